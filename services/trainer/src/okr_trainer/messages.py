"""Messages of okr_processed_records as inputs, model by model; what cannot be read is set aside with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple, get_args

import orjson

from okr_common import codec
from okr_common.errors import PermanentError
from okr_common.records import Entity
from okr_trainer.domain.inputs import Input, Place, Stamp, is_uuid, read

INT4, INT8 = 2**31 - 1, 2**63 - 1


class Heard(NamedTuple):
    """One version: `one` None where the model has no use for it, yet it has its place in the order."""

    source: str
    place: Place
    one: Input | None


@dataclass(slots=True)
class Reading:
    """A batch of messages, read. `unreadable` names them by their number in the batch."""

    by_model: dict[str, list[Heard]] = field(default_factory=dict)
    unreadable: list[tuple[int, PermanentError]] = field(default_factory=list)


def read_values(values: Sequence[bytes | str | None], model_of: Callable[[str], str]) -> Reading:
    """All of them, in their order."""
    reading = Reading()
    models: dict[str, str] = {}
    for number, value in enumerate(values):
        try:
            heard = read_value(value)
        except PermanentError as error:
            reading.unreadable.append((number, error))
        else:
            model = models.get(heard.source) or models.setdefault(heard.source, model_of(heard.source))
            reading.by_model.setdefault(model, []).append(heard)
    return reading


def read_value(value: bytes | str | None) -> Heard:
    """One message's value. Raises PermanentError("not_json" or "wrong_shape")."""
    content = value.encode() if isinstance(value, str) else value
    entity, stamp, payload, closed = _quick(content) or _checked(content)
    _storable(stamp)
    return Heard(stamp[0], stamp[1], read(entity, stamp, payload, closed=closed))


def _storable(stamp: Stamp) -> None:
    """What no column could hold would stop the stream for ever."""
    source, place, _, revision, known, batch_id, row_num = stamp
    if known.tzinfo is None:
        raise PermanentError("wrong_shape", f"knowledge_time {known.isoformat()} has no zone, so it is no moment")
    small, large = (revision, place.seq, place.generation), (batch_id, row_num, place.position)
    if "\0" in source or max(small) > INT4 or max(large) > INT8:
        raise PermanentError(
            "wrong_shape", "a number of the record is larger, or its source stranger, than can be kept"
        )


_Said = tuple[str, Stamp, dict[str, Any], str | None]
"""The entity, which version, what it says, and why the entity is no more."""


def _quick(content: bytes | None) -> _Said | None:
    """A record whose fields are of plain types; None where it has to be checked in full."""
    try:
        said = orjson.loads(content or b"")
        values = _FIELDS(said)
        if tuple(map(type, values)) != _TYPES or len(said) - ("closed" in said) != len(_TYPES):
            return None
        if said.get("closed") is not None:
            return None
        source, position, seq, generation, entity, entity_id, revision, known, batch_id, row_num, payload = values
        if entity not in _ENTITIES or not is_uuid(entity_id):
            return None
        known = datetime.fromisoformat(known)
    except (ValueError, KeyError, TypeError):
        return None
    place = Place(generation, position, seq)
    return entity, (source, place, entity_id, revision, known, batch_id, row_num), payload, None


def _checked(content: bytes | None) -> _Said:
    record = codec.decode_record(content)
    place = Place(record.generation, record.position, record.seq)
    entity_id = str(record.entity_id)
    stamp = (record.source, place, entity_id, record.revision, record.knowledge_time, record.batch_id, record.row_num)
    return record.entity, stamp, record.payload, record.closed


_ENTITIES = frozenset(get_args(Entity))
_FIELDS = itemgetter(
    *("source", "position", "seq", "generation", "entity", "entity_id", "revision", "knowledge_time"),
    *("batch_id", "row_num", "payload"),
)
_TYPES = (str, int, int, int, str, str, int, str, int, int, dict)
