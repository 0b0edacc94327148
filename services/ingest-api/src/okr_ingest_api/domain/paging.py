"""From the body of an answer to its records, and from one page to the next."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from okr_common.errors import PermanentError
from okr_common.sources import ApiBlock
from okr_ingest_api.domain.answers import AskAgainError


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one answer, and the cursor that asks for the next page; None: this was the last."""

    records: list[Any]
    following: str | None


def read_page(body: bytes, api: ApiBlock) -> Page:
    """The page in this body.

    Raises AskAgainError where the body is not JSON (it was cut), PermanentError `wrong_page` where it is, but has no
    list of records at the place the mapping names.
    """
    content = _decoded(body)
    records = _found(api.records, content, "records")
    if not isinstance(records, list):
        has = f"it has {', '.join(sorted(content)[:20])}" if isinstance(content, dict) else "it is no object"
        raise PermanentError("wrong_page", f"api.records {api.records!r} leads to no list in the answer; {has}")
    return Page(records, _cursor(api, content))


def query(api: ApiBlock, cursor: str | None) -> dict[str, str]:
    """The query parameters of the request for a page; None asks for the first."""
    return dict(api.parameters) if cursor is None else {**api.parameters, api.cursor.parameter: cursor}


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(body, parse_constant=_no_json, parse_float=_finite)
    except RecursionError:
        raise PermanentError("wrong_page", "the answer nests deeper than anybody can read") from None
    except ValueError as error:
        raise AskAgainError("not_json", f"the body of {len(body)} bytes is no JSON, or was cut: {error}") from None


def _no_json(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    """A number too large for a double becomes the largest one: to refuse the page would stop the whole source."""
    return max(-sys.float_info.max, min(float(text), sys.float_info.max))


def _cursor(api: ApiBlock, content: Any) -> str | None:  # noqa: ANN401
    following = _found(api.cursor.next, content, "cursor.next")
    if following is None or following == "":
        return None
    if isinstance(following, bool) or not isinstance(following, str | int):
        raise PermanentError("wrong_page", f"api.cursor.next {api.cursor.next!r} is no text, but {following!r:.100}")
    return str(following)


def _found(expression: str, content: Any, key: str) -> Any:  # noqa: ANN401
    try:
        return jmespath.search(expression, content)
    except JMESPathError as error:
        raise PermanentError("broken_mapping", f"api.{key}: {expression!r} is no JMESPath: {error}") from None
