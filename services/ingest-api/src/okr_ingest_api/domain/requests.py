"""One request: a pass over all pages of an endpoint, from the first to the one without a cursor."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from okr_common.errors import PermanentError
from okr_common.events import NAMESPACE

State = Literal["fetching", "done", "failed"]
ENDING = frozenset({"cursor_refused", "cursor_loop", "too_many_pages"})
"""With these a request is over; with any other trouble it waits at its cursor for the next run."""


def request_id(source: str, run_id: UUID) -> str:
    """The one id of this run's pass over this source, however often it is taken up.

    >>> request_id("crm", UUID(int=1)) == request_id("crm", UUID(int=1)) != request_id("crm", UUID(int=2))
    True
    """
    return str(uuid5(NAMESPACE, f"request|{source}|{run_id}"))


@dataclass(frozen=True, slots=True)
class Request:
    """How far a request is. `cursor` asks for the next page; None: the first one."""

    request: str
    source: str
    run_id: UUID
    state: State
    cursor: str | None
    not_before: datetime | None
    pages: int
    batches: int
    rows: int
    unchanged: int
    unreadable: int
    rewinds: int
    reason: str | None
    detail: str | None
    started_at: datetime
    ended_at: datetime | None

    @property
    def records(self) -> int:
        """Everything the pages held."""
        return self.rows + self.unchanged + self.unreadable


def following(request: Request, cursor: str | None, max_pages: int) -> State:
    """The request's state after a page that names this cursor as the next.

    Raises PermanentError `cursor_loop` or `too_many_pages`: both would go on for ever.
    """
    if cursor is None:
        return "done"
    if cursor == request.cursor:
        raise PermanentError("cursor_loop", f"page {request.pages + 1} names its own cursor as the next one")
    if request.pages + 1 >= max_pages:
        raise PermanentError(
            "too_many_pages", f"there is a page after page {max_pages}; raise ingest_api.max_pages if that can be"
        )
    return "fetching"


def begins_anew(request: Request, why: PermanentError) -> bool:
    """A cursor the API has forgotten costs one new beginning; what was stored before is then found unchanged."""
    return why.reason == "cursor_refused" and request.rewinds == 0
