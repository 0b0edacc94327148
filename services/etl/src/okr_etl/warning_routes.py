"""REST: /warnings, what the field holds against goals that are under way."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from okr_common.clock import utc_now
from okr_common.errors import PermanentError
from okr_common.sources import Mapping
from okr_etl.domain import due
from okr_etl.mappings import Mappings
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.quality import Patience, QualityStore, Today

Limit = Annotated[int, Query(ge=1, le=10_000)]
Days = Annotated[int, Query(ge=1, le=3_660)]
Warned = Literal[
    "no_owner",
    "silent",
    "too_many_key_results",
    "single_key_result",
    "on_track_without_movement",
    "check_in_before_start",
    "check_in_after_close",
    "ended_without_value",
    "baseline_is_target",
    "wrong_direction",
    "contradicting_definitions",
    "absent_undecided",
    "absent_beyond_share",
    "unknown_status",
    "pending_for_long",
    "cyclic_alignment",
]


def router(quality: QualityStore, processed: ProcessedStore, mappings: Mappings) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["quality"])

    async def today() -> dict[str, Today]:
        """Each source that has a sound mapping and a clock."""
        days: dict[str, Today] = {}
        for source in await processed.heads():
            try:
                mapping = mappings.now(source)
            except PermanentError:
                continue  # its batches wait, and /quality says why
            day = due.today(mapping, await processed.head(source), utc_now())
            if day is not None:
                days[source] = _today(mapping, day)
        return days

    @routes.get("/warnings")
    async def warnings(
        source: str | None = None,
        warning: Warned | None = None,
        silent_days: Days = 30,
        still_days: Days = 28,
        *,
        pending_days: Days = 7,
        due_days: Days = 90,
        limit: Limit = 100,
    ) -> list[dict[str, Any]]:
        """Goals under way without an owner, a recent check-in, movement, or the usual number of key results.

        Key results whose target lies where they began or the other way, check-ins outside of their time, and key
        results that have no outcome since no check-in had a value when they ended.
        And the words of check-ins for which their mapping knows no status, rows that wait for a parent, and why it was
        not decided what the last full export has no more.
        """
        asked = {name: told for name, told in (await today()).items() if source in {None, name}}
        patience = Patience(silent_days, still_days, pending_days, due_days)
        return await quality.warnings(asked, patience, warning, limit)

    return routes


def _today(mapping: Mapping, day: date) -> Today:
    """What the rules have to know of the source. A check-in that no row dates is of the day on which its file came."""
    told, rule = mapping.entities.check_in, mapping.entities.due
    dated = mapping.columns.get(told.as_of)
    tells_days = dated is None or dated.origin != "file:day"
    return Today(day, told.status is not None, tells_days, rule.grace_days if rule else None)
