"""REST: /warnings, what the field holds against goals that are under way."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from okr_common.clock import utc_now
from okr_common.errors import PermanentError
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
                days[source] = Today(day, has_status=mapping.entities.check_in.status is not None)
        return days

    @routes.get("/warnings")
    async def warnings(
        source: str | None = None,
        warning: Warned | None = None,
        silent_days: Days = 30,
        still_days: Days = 28,
        *,
        pending_days: Days = 7,
        limit: Limit = 100,
    ) -> list[dict[str, Any]]:
        """Goals under way without an owner, a recent check-in, movement, or the usual number of key results.

        And the words of check-ins for which their mapping knows no status, rows that wait for a parent, and why it was
        not decided what the last full export has no more.
        """
        asked = {name: told for name, told in (await today()).items() if source in {None, name}}
        patience = Patience(silent_days, still_days, pending_days)
        return await quality.warnings(asked, patience, warning, limit)

    return routes
