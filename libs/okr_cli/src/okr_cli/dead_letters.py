"""`okr dead-letters`: messages that nobody could handle: why, where from, and their very bytes."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from okr_cli.context import out
from okr_cli.options import JsonOption, LimitOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import Column, print_json, show
from okr_common.errors import OkrError
from okr_common.kafka.dead_letters import PREFIX
from okr_common.kafka.reader import Read, read_all
from okr_common.topics import DEAD_LETTERS

app = typer.Typer(help="Messages that nobody could handle.", no_args_is_help=True)
COLUMNS = (
    Column("letter", "letter"),
    Column("at", "at (UTC)"),
    Column("stage", "set aside by"),
    Column("reason", "reason"),
    Column("origin", "came from"),
    Column("message", "why"),
)


@app.command("list")
def list_(context: typer.Context, limit: LimitOption = 50, *, as_json: JsonOption = False) -> None:
    """The newest dead letters."""
    letters = sorted(_letters(reach_of(context)), key=lambda letter: letter.at, reverse=True)
    show("Dead letters", map(summary, letters[:limit]), COLUMNS, as_json=as_json)


@app.command("show")
def show_one(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(help="As `list` shows it: partition@offset.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """One dead letter: its headers and its bytes."""
    found = next((one for one in _letters(reach_of(context)) if name_of(one) == letter), None)
    if found is None:
        raise OkrError(f"there is no dead letter {letter}; `okr dead-letters list` shows which there are")
    full = {**summary(found), "headers": dict(found.headers), "key": found.key, "value": found.value}
    if as_json:
        print_json(full)
        return
    for name, value in found.headers.items():
        out.print(f"{name}: {value}", markup=False, highlight=False)
    out.print(found.value or b"", markup=False)


def _letters(reach: Reach) -> Iterator[Read]:
    return read_all(reach.bootstrap, [DEAD_LETTERS.name])


def name_of(letter: Read) -> str:
    """How people name a dead letter."""
    return f"{letter.partition}@{letter.offset}"


def summary(letter: Read) -> dict[str, Any]:
    """What a listing shows of it."""
    said = {name: letter.headers.get(PREFIX + name, "?") for name in ("topic", "partition", "offset", "stage")}
    return {
        "letter": name_of(letter),
        "at": letter.at,
        "stage": said["stage"],
        "reason": letter.headers.get(PREFIX + "exception.class.name", "?"),
        "message": letter.headers.get(PREFIX + "exception.message", "?"),
        "origin": f"{said['topic']}/{said['partition']}@{said['offset']}",
        "bytes": len(letter.value or b""),
    }
