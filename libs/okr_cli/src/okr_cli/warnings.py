"""`okr warnings`: goals under way that nobody owns, nobody tells of, that do not move, or whose figures are odd."""

from enum import StrEnum
from typing import Annotated

import typer

from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import reach_of
from okr_cli.show import Column, show

COLUMNS = (
    Column("source", "source"),
    Column("warning", "warning"),
    Column("title", "objective or key result"),
    Column("detail", "what was found"),
)


class Warned(StrEnum):
    """The rules (docs/reason-codes.md)."""

    NO_OWNER = "no_owner"
    SILENT = "silent"
    TOO_MANY = "too_many_key_results"
    SINGLE = "single_key_result"
    STILL = "on_track_without_movement"
    EARLY = "check_in_before_start"
    LATE = "check_in_after_close"
    UNTOLD = "ended_without_value"
    NO_WAY = "baseline_is_target"
    WRONG_WAY = "wrong_direction"
    CONTRADICTING = "contradicting_definitions"
    ABSENT_UNDECIDED = "absent_undecided"
    ABSENT_BEYOND_SHARE = "absent_beyond_share"
    UNKNOWN_STATUS = "unknown_status"
    PENDING = "pending_for_long"
    CYCLIC = "cyclic_alignment"


WarningOption = Annotated[Warned | None, typer.Option("--warning", help="Only these.")]
SilentOption = Annotated[
    int, typer.Option("--silent-days", min=1, help="Silent: no check-in for more than so many days.")
]
StillOption = Annotated[int, typer.Option("--still-days", min=1, help="On track without movement: for about so long.")]
PendingOption = Annotated[
    int, typer.Option("--pending-days", min=1, help="Pending for long: a row waits for its parent for more days.")
]
DueOption = Annotated[
    int,
    typer.Option(
        "--due-days", min=1, help="Check-in after close, ended without value: told so many days after the due date."
    ),
]


def warnings(
    context: typer.Context,
    source: SourceOption = None,
    warning: WarningOption = None,
    silent_days: SilentOption = 30,
    *,
    still_days: StillOption = 28,
    pending_days: PendingOption = 7,
    due_days: DueOption = 90,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """Goals under way without owner, recent check-in, movement, or 2 to 5 key results; and what is not decided.

    Key results whose target lies where they began or the other way, check-ins outside of their time, and key results
    that have no outcome since no check-in had a value when they ended.
    """
    days = {"silent_days": silent_days, "still_days": still_days, "pending_days": pending_days}
    asked = {"source": source, "warning": warning, "limit": limit, **days, "due_days": due_days}
    wanted = {name: value for name, value in asked.items() if value is not None}
    found = reach_of(context).get("etl", "/warnings", **wanted).json()
    show("Warnings", found, COLUMNS, as_json=as_json)
