"""REST /sources: the API sources, how far each is, and what is wrong with it."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from okr_common.sources import Mapping as SourceMapping
from okr_ingest_api.domain.requests import Request, State
from okr_ingest_api.endpoints import Endpoints
from okr_ingest_api.store.ledger import Ledger, as_json


class RequestView(BaseModel):
    """One pass over an endpoint. `records` = rows + unchanged + unreadable."""

    request: str
    run_id: UUID
    state: State
    pages: int
    batches: int
    records: int
    rows: int
    unchanged: int
    unreadable: int
    reason: str | None
    detail: str | None
    not_before: datetime | None
    started_at: datetime
    ended_at: datetime | None


class SourceView(BaseModel):
    """An API source; `problems` keep it from being fetched until its mapping is mended."""

    name: str
    title: str | None = None
    enabled: bool = False
    url: str | None = None
    requests_per_second: float | None = None
    problems: list[str] = []
    objects: int = 0
    batches: int = 0
    requests: list[RequestView] = []


def router(endpoints: Endpoints, ledger: Ledger) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/sources", tags=["sources"])

    @routes.get("")
    async def list_sources() -> list[SourceView]:
        """Every API source, with its newest request."""
        latest, holdings = await ledger.latest(), await ledger.holdings()
        views = [
            _view(name, mapping, holdings.get(name, {}), [latest[name]] if name in latest else [])
            for name, mapping in endpoints.all().items()
        ]
        broken = [SourceView(name=name, problems=told) for name, told in endpoints.problems().items()]
        return sorted(views + broken, key=lambda view: view.name)

    @routes.get("/{name}")
    async def show_source(name: str, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> SourceView:
        """One API source with its newest requests."""
        problems = endpoints.problems().get(name)
        if problems:
            return SourceView(name=name, problems=problems)
        mapping = endpoints.all().get(name)
        if mapping is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no API source {name!r}; GET /sources lists them")
        return _view(name, mapping, (await ledger.holdings()).get(name, {}), await ledger.of_source(name, limit))

    return routes


def _view(name: str, mapping: SourceMapping, holding: Mapping[str, int], requests: list[Request]) -> SourceView:
    api = mapping.api
    return SourceView(
        name=name,
        title=mapping.title,
        enabled=api is not None and api.enabled,
        url=None if api is None else api.base_url + api.path,
        requests_per_second=None if api is None else api.requests_per_second,
        objects=holding.get("objects", 0),
        batches=holding.get("batches", 0),
        requests=[_request_view(request) for request in requests],
    )


def _request_view(request: Request) -> RequestView:
    told = as_json(request)
    return RequestView.model_validate({name: told[name] for name in RequestView.model_fields})
