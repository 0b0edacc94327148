"""What a person sees of the stack."""

import io
from pathlib import Path

from rich.console import Console

from okr_cli import stack_view
from okr_stack.report import PartReport
from okr_stack.status import Life, PartStatus, Phase, StackStatus


def shown(thing: object) -> str:
    text = io.StringIO()
    Console(width=120, file=text).print(thing)
    return text.getvalue()


def a_part(**facts: object) -> PartReport:
    usual = {"name": "etl", "life": Life.READY, "pid": 7, "port": 8103, "rss_bytes": 50 * 1024**2, "health": "ok"}
    return PartReport(**{**usual, "lag": 1234, "deaths": 2, "note": "", **facts})  # type: ignore[arg-type]


def test_the_table_has_what_a_person_wants_to_know() -> None:
    text = shown(stack_view.table(Path("state"), StackStatus(Phase.UP, supervisor=5), [a_part()]))
    assert "state: up, supervisor 5" in text
    assert [word for word in text.splitlines()[4].replace("│", " ").split() if word] == [
        *("etl", "ready", "ok", "7", "8103", "50", "1,234", "2")
    ]


def test_a_part_that_was_given_up_is_the_loudest_thing() -> None:
    gave_up = PartStatus("etl", 8103, life=Life.GAVE_UP, note="it died 5 times in a minute. [/red]")
    said = list(stack_view.complaints(StackStatus(Phase.UP, parts={"etl": gave_up}), Path("logs")))
    assert shown(said[0]).split() == [
        *[
            "GIVEN",
            "UP",
            "etl:",
            "it",
            "died",
            "5",
            "times",
            "in",
            "a",
            "minute.",
            "[/red]",
            "See",
            "logs;",
            "`okr",
            "up`",
            "tries",
            "it",
            "again.",
        ]
    ]


def test_a_dead_supervisor_is_told_with_the_cure() -> None:
    now = StackStatus(Phase.FAILED, error="The supervisor died: `okr up` starts the stack again.")
    assert "okr up" in shown(next(iter(stack_view.complaints(now, Path("logs")))))


def test_progress_names_the_step_and_each_part() -> None:
    part = PartStatus("kafka", 9092, life=Life.STARTING)
    text = shown(stack_view.progress(StackStatus(Phase.STARTING, step="Kafka starts", parts={"kafka": part})))
    assert "Kafka starts" in text
    assert "kafka" in text
    assert "starting" in text
