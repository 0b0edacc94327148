"""Envelope: the CloudEvents 1.0 Kafka binding in binary mode. Attributes are headers `ce_*`, the value is JSON."""

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError

from okr_common import events, records
from okr_common.errors import PermanentError
from okr_common.events import Event

Headers = list[tuple[str, bytes]]
Checked = TypeVar("Checked")

EVENT_TYPES: dict[str, type[Event]] = {
    event.ce_type: event
    for event in vars(events).values()
    if isinstance(event, type) and issubclass(event, Event) and hasattr(event, "ce_type")
}
"""Every event by its ce_type."""


def to_json(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can say
    """JSON bytes; pydantic models by their fields, times in RFC 3339, UUIDs as text."""
    return orjson.dumps(value, default=_default)


def _default(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, BaseModel):
        return value.model_dump(mode="python")
    if isinstance(value, UUID):  # asyncpg's own class, which orjson does not take for one
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def envelope(*, ce_id: UUID, ce_type: str, source: str, subject: str, time: datetime) -> dict[str, str]:
    """The CloudEvents attributes as header names and texts, with a new traceparent."""
    return {
        "ce_specversion": "1.0",
        "ce_id": str(ce_id),
        "ce_type": ce_type,
        "ce_source": source,
        "ce_time": time.isoformat(),
        "ce_subject": subject,
        "content-type": "application/json",
        "traceparent": f"00-{ce_id.hex}-{os.urandom(8).hex()}-01",
    }


def headers(attributes: dict[str, str]) -> Headers:
    """Kafka's form of an envelope."""
    return [(name, text.encode()) for name, text in attributes.items()]


def header(message_headers: Iterable[tuple[str, bytes | str | None]] | None, name: str) -> str | None:
    """One header's text, or None where it is absent or not UTF-8."""
    for key, value in message_headers or ():
        if key == name and value is not None:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return None


def decode_event(message_headers: Iterable[tuple[str, bytes | str | None]] | None, value: bytes | None) -> Event:
    """The event a message carries. Raises PermanentError: no_type, unknown_type, not_json, wrong_shape."""
    ce_type = header(message_headers, "ce_type")
    if ce_type is None:
        raise PermanentError("no_type", "the message has no ce_type header, so nobody can tell what it is")
    if ce_type not in EVENT_TYPES:
        raise PermanentError("unknown_type", f"no service here knows events of type {ce_type!r}")
    return _checked(EVENT_TYPES[ce_type].model_validate, value, ce_type)


def decode_record(value: bytes | None) -> records.ProcessedRecord:
    """The entity version a message of okr_processed_records carries. Raises PermanentError: not_json, wrong_shape."""
    return _checked(records.ProcessedRecord.model_validate, value, records.ProcessedRecord.ce_type)


def _checked(validate: Callable[[Any], Checked], value: bytes | None, ce_type: str) -> Checked:
    try:
        return validate(orjson.loads(value or b""))
    except orjson.JSONDecodeError as error:
        raise PermanentError("not_json", f"the value is not JSON: {error}") from None
    except ValidationError as error:
        raise PermanentError("wrong_shape", f"the value is no {ce_type}: {misfits(error)}") from None


_MISFITS = {"missing": "is missing", "extra_forbidden": "is not known"}
_TOLD = 3
"""Misfits that are told; one is enough to find the sender, and a table shows the sentence."""


def misfits(error: ValidationError) -> str:
    """What does not fit, in one line: each key with what is wrong there."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [
        f"{'.'.join(map(str, one['loc'])) or 'it'} {_MISFITS.get(one['type'], one['msg'])}" for one in found[:_TOLD]
    ]
    return "; ".join(told) + (f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else "")
