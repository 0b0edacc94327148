"""The REST that every service has: /livez /readyz /status /metrics, and errors as RFC 9457 problem details."""

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from okr_common.health import Health
from okr_common.topology import Stage

NO_KEY_SET = "this service has no API key, so it changes nothing: name a file with one by OKR_REST__API_KEY_FILE"
WRONG_KEY = "say the service's API key in the header X-API-Key; OKR_REST__API_KEY_FILE names its file"
Status = Callable[[], Mapping[str, Any]]
"""What /status adds: plain JSON values."""


def application(stage: Stage, health: Health, status: Status) -> FastAPI:
    """The app of a service; it adds its own routers."""
    app = FastAPI(
        title=f"OKR pipeline: {stage.service}",
        docs_url=None,  # its page loads from elsewhere; /openapi.json stays
        redoc_url=None,
        dependencies=[Depends(_only_known)],
    )
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(asyncpg.DataError, _data_problem)

    @app.get("/livez", tags=["health"])
    async def livez() -> Response:
        """Red when only a restart can help."""
        return _verdict(health.not_live())

    @app.get("/readyz", tags=["health"])
    async def readyz() -> Response:
        """Red while work cannot be taken."""
        return _verdict(health.not_ready())

    @app.get("/status", tags=["health"])
    async def service_status() -> dict[str, Any]:
        """What the service is doing."""
        return {"service": stage.service, "ready": not health.not_ready(), "trouble": health.not_ready(), **status()}

    @app.get("/metrics", tags=["health"])
    async def metrics() -> Response:
        """Prometheus."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def problem(status: int, detail: str, **more: Any) -> Response:  # noqa: ANN401 - any JSON
    """An RFC 9457 answer: `detail` says what to do."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Response(orjson.dumps(body), status, media_type="application/problem+json")


def keyed(key: str) -> Callable[[str], None]:
    """A dependency of routes that change something: the header X-API-Key must be `key`. Where it is empty, none is."""

    def allowed(said: Annotated[str, Header(alias="X-API-Key")] = "") -> None:
        if not key:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, NO_KEY_SET)
        if not secrets.compare_digest(said.encode(), key.encode()):
            raise HTTPException(HTTPStatus.UNAUTHORIZED, WRONG_KEY)

    return allowed


async def _only_known(request: Request) -> None:
    """Raises where the query names a parameter that the route does not have: the answer would not be the one asked for.

    Pages for people, which are not in the API's description, may be linked to with anything.
    """
    if not request.query_params:
        return
    route = request.scope["route"]
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return
    known = [param.alias for param in get_flat_params(route.dependant) if isinstance(param.field_info, Query)]
    said = f"there is no such parameter here; there is {', '.join(known) or 'none'}"
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": said} for name in unknown]
        )


def _verdict(red: Mapping[str, str]) -> Response:
    if red:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(f"{name}: {why}" for name, why in red.items()), checks=dict(red)
        )
    return Response(b'{"status":"ok"}', media_type="application/json")


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    return problem(error.status_code, str(error.detail))


async def _data_problem(_: Request, error: Exception) -> Response:
    """A value of the right type that no column could hold, such as a NUL or a number over 64 bits."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"a parameter is out of range: {error}")


async def _validation_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    wrong = [{"where": ".".join(str(part) for part in each["loc"]), "what": each["msg"]} for each in error.errors()]
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(f"{one['where']}: {one['what']}" for one in wrong), errors=wrong
    )
