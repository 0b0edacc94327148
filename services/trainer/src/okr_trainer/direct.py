"""The shortest way from a question to its answer, for a route that is asked hundreds of times a second.

Most of what the framework does for a route is to find out what it takes: here that is known to be one question as JSON.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from okr_trainer.answers import Question

JSON = "application/json"


class Direct(APIRoute):
    """Its endpoint takes a question and gives an answer. What is not plainly one goes the usual way, and hears why."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        usual = super().get_route_handler()

        async def handle(request: Request) -> Response:
            question = await _plain(request)
            if question is None:
                return await usual(request)
            answer = await self.endpoint(question)
            return Response(answer.model_dump_json(), media_type=JSON)

        return handle


async def _plain(request: Request) -> Question | None:
    if request.scope["query_string"] or request.headers.get("content-type") != JSON:
        return None
    try:
        return Question.model_validate(await request.json())
    except (ValueError, RecursionError):
        return None
