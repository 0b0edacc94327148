"""`okr dead-letters`: messages that nobody could handle: why, where from, their very bytes, and once more."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from okr_cli.context import out
from okr_cli.dead_letters.choice import chosen_of, moment, only
from okr_cli.dead_letters.heard import heard, is_record
from okr_cli.dead_letters.letters import Letter, Letters, State, letters_of, summary
from okr_cli.dead_letters.picture import escaped, picture
from okr_cli.dead_letters.replays import Limits, outcome, planned, refusal, send
from okr_cli.options import JsonOption, LimitOption
from okr_cli.reach import reach_of
from okr_cli.show import WHOLE, Column, Row, print_json, show
from okr_common.clock import utc_now
from okr_common.kafka.reader import read_all
from okr_common.settings import ServiceSettings, load
from okr_common.topics import DEAD_LETTERS

app = typer.Typer(help="Messages that nobody could handle.", no_args_is_help=True)


def _became(row: Row) -> str:
    return f"{row['state']} as {row['died_again_as']}" if row["died_again_as"] else str(row["state"])


COLUMNS = (
    Column("letter", "letter"),
    Column("at", "at (UTC)"),
    Column("stage", "by"),
    Column("reason", "reason"),
    Column("origin", "came from"),
    Column("attempts", "replays", right=True),
    Column(WHOLE, "state", says=_became),
    Column("message", "why", says=escaped),
)
REPLAYS = (
    Column("letter", "letter"),
    Column("reason", "reason"),
    Column("origin", "came from"),
    Column("attempt", "replay", right=True),
    Column("outcome", "outcome"),
    Column("place", "stands now at"),
    Column("refused", "why not"),
)
LetterArgument = Annotated[
    str,
    typer.Argument(help="As `list` shows it: partition@offset. Or where its message stood: topic/partition/offset."),
]
LettersArgument = Annotated[list[str] | None, typer.Argument(help="Which; without it by --topic, --reason, --stage.")]
TopicOption = Annotated[str | None, typer.Option("--topic", "-t", help="Only messages of this topic.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only with this reason code.")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Only what this service set aside.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Only what is newer: 30m, 12h, 7d, or a time in UTC as 2026-11-24T02:00.")
]
StateOption = Annotated[State | None, typer.Option("--state", help="Only in this state.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Also what was sent again dead_letters.attempts times.")]


@app.command("list")
def list_(
    context: typer.Context,
    topic: TopicOption = None,
    reason: ReasonOption = None,
    stage: StageOption = None,
    *,
    since: SinceOption = None,
    state: StateOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest dead letters, how often each was replayed, and what became of it."""
    oldest = None if since is None else moment(since, utc_now())
    letters = _letters(context)
    rows = [
        summary(letter, letters)
        for letter in only(letters.all, topic, reason, stage)
        if (oldest is None or letter.read.at >= oldest) and state in (None, letters.state(letter))
    ]
    show("Dead letters", rows[:limit], COLUMNS, as_json=as_json)


@app.command("show")
def show_one(context: typer.Context, letter: LetterArgument, *, as_json: JsonOption = False) -> None:
    """One dead letter: why, where from, the message's headers and bytes, and what to do."""
    letters = _letters(context)
    found = letters.named(letter)
    refused = refusal(found, letters, _limits(context, [found], force=False))
    if as_json:
        print_json(_all_of(found, letters) | {"replay_refused": refused})
    else:
        out.print(picture(found, letters, refused))


@app.command()
def replay(
    context: typer.Context,
    names: LettersArgument = None,
    topic: TopicOption = None,
    reason: ReasonOption = None,
    stage: StageOption = None,
    *,
    dry_run: DryOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Send messages again, to their topic and partition, with their own key, headers and bytes.

    Do it when the cause is mended. It is harmless where the message was handled meanwhile: consumers ignore what they
    have had, by its id or place. What dies again is listed anew, with its count; after dead_letters.attempts replays
    it is refused. Filters mean the letters in state dead; name a replayed one to send it once more. Ends with 1 where
    something was refused.
    """
    letters = _letters(context)
    chosen = chosen_of(letters, names or [], topic, reason, stage)
    plans = planned(chosen, letters, _limits(context, chosen, force=force))
    places = {} if dry_run else asyncio.run(send(reach_of(context).bootstrap, plans))
    rows = [outcome(plan, places, dry_run=dry_run) for plan in plans]
    show("Replays", rows, REPLAYS, as_json=as_json)
    if any(plan.refused for plan in plans):
        raise typer.Exit(1)


def _letters(context: typer.Context) -> Letters:
    return letters_of(read_all(reach_of(context).bootstrap, [DEAD_LETTERS.name]))


def _limits(context: typer.Context, chosen: Sequence[Letter], *, force: bool) -> Limits:
    most = None if force else load(ServiceSettings).dead_letters.attempts
    return Limits(most, asyncio.run(heard(reach_of(context))) if any(map(is_record, chosen)) else {})


def _all_of(letter: Letter, letters: Letters) -> dict[str, Any]:
    return summary(letter, letters) | {
        "replays": [replay.model_dump(mode="json") for replay in letters.replays(letter)],
        "headers": dict(letter.read.headers),
        "message_headers": letter.headers,
        "key": letter.read.key,
        "value": letter.read.value,
        "value_base64": base64.b64encode(letter.read.value or b"").decode(),
    }
