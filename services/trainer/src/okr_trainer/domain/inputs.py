"""What the model hears: definitions, check-ins and outcomes, as lean typed values.

They come from okr_processed_records and, for a replay, from okr_processed.entity_version; both say the same.
Payloads are checked on the way in, so nothing behind this meets a wrong type.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import NoneType
from typing import Any, NamedTuple

from pydantic import ValidationError

from okr_common.codec import misfits
from okr_common.errors import PermanentError
from okr_common.records import CheckInPayload, KeyResultPayload, OutcomePayload

REPLAYED = "replayed"
"""Why an entity is closed that no row says any more after its source was done again (docs/reason-codes.md)."""


class Place(NamedTuple):
    """Where a version stands in its source's one total order; a redelivery comes with the place it had."""

    generation: int
    position: int
    seq: int


class Version(NamedTuple):
    """Which version of what this is, when it became known, and the raw row it came from. `name`: the natural key."""

    source: str
    place: Place
    entity_id: str
    revision: int
    knowledge_time: datetime
    batch_id: int
    row_num: int
    name: str


Stamp = tuple[str, Place, str, int, datetime, int, int]
"""The fields of a Version but its name."""


class Definition(NamedTuple):
    """What is measured, and what must be reached by when. Days are ordinals.

    `due_known` False: the due date was set only later, so nobody could count with it then; None: nothing is said of it.
    """

    version: Version
    title: str
    metric_kind: str
    direction: str
    inclusive: bool
    unit: str | None
    baseline: float | None
    target: float | None
    start: int
    due: int
    attributes: dict[str, str | float | None]
    due_known: bool | None
    owner: str | None
    objective_id: str

    @property
    def key_result_id(self) -> str:
        """A definition is a version of the key result itself."""
        return self.version.entity_id


class CheckIn(NamedTuple):
    """A value at a day. `target` is the one that held then; None: there was none."""

    version: Version
    key_result_id: str
    as_of: int
    value: float | None
    target: float | None
    confidence: float | None


class Outcome(NamedTuple):
    """How a key result ended. `achieved` None: dropped, so there is nothing to learn."""

    version: Version
    key_result_id: str
    final_value: float
    target: float
    achieved: bool | None


class Gone(NamedTuple):
    """A key result that is no more: nothing of its source says it any longer."""

    version: Version

    @property
    def key_result_id(self) -> str:
        """It is a version of the key result itself."""
        return self.version.entity_id


class Withdrawn(NamedTuple):
    """A check-in or outcome that nothing says any longer; `said`: what it was.

    `replayed`: its source was done again, and that asks for a training by itself.
    """

    version: Version
    said: CheckIn | Outcome
    replayed: bool

    @property
    def key_result_id(self) -> str:
        """Whose it was."""
        return self.said.key_result_id


Input = Definition | CheckIn | Outcome | Gone | Withdrawn


def knowledge_order(one: Input) -> tuple[datetime, int, str, str, int]:
    """The order of a replay: when it became known; then definitions, check-ins, outcomes; then natural key.

    Where it stood in a file or batch has no say.
    """
    version = one.version
    return (version.knowledge_time, _RANK[type(one)], version.name, version.source, version.revision)


_RANK: dict[type, int] = {Definition: 0, CheckIn: 1, Outcome: 2, Gone: 3, Withdrawn: 3}


def read(entity: str, stamp: Stamp, payload: dict[str, Any], *, closed: str | None = None) -> Input | None:
    """The input a version carries, or None where the model has no use for it: it has none for an objective.

    `closed`: why the entity is no more. `stamp` is a Version without its name, which the payload holds.
    Raises PermanentError("wrong_shape").
    """
    if closed is not None and entity == "key_result":
        return Gone(Version(*stamp, str(payload.get("source_id", ""))))
    said = _said(entity, stamp, payload)
    if closed is None or not isinstance(said, CheckIn | Outcome):
        return said
    return Withdrawn(said.version, said, replayed=closed == REPLAYED)


def _said(entity: str, stamp: Stamp, payload: dict[str, Any]) -> Input | None:
    if entity == "check_in":
        quick = _quick_check_in(stamp, payload)
        if quick is not None:
            return quick
    reader = _READERS.get(entity)
    if reader is None:
        return None
    try:
        return reader(stamp, payload)
    except ValidationError as error:
        raise PermanentError("wrong_shape", f"the payload is no {entity}: {misfits(error)}") from None


def _quick_check_in(stamp: Stamp, payload: dict[str, Any]) -> CheckIn | None:
    """Nearly all versions are check-ins of plain types; whatever else comes is checked in full."""
    said = payload.get
    name, key_result_id, as_of = said("source_id"), said("key_result_id"), said("as_of")
    value, target, confidence = said("value"), said("target"), said("confidence")
    plain = type(value) in _NUMBERS and type(target) in _NUMBERS and type(confidence) in _NUMBERS
    if not (plain and type(name) is type(key_result_id) is type(as_of) is str and is_uuid(key_result_id)):
        return None
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        return None
    return CheckIn(Version(*stamp, name), key_result_id, day.toordinal(), value, target, confidence)


def _definition(stamp: Stamp, payload: dict[str, Any]) -> Definition:
    said = KeyResultPayload.model_validate(payload)
    return Definition(
        Version(*stamp, said.source_id),
        title=said.title,
        metric_kind=said.metric_kind,
        direction=said.direction,
        inclusive=said.inclusive,
        unit=said.unit,
        baseline=said.baseline,
        target=said.target,
        start=said.start_on.toordinal(),
        due=said.due_on.toordinal(),
        attributes=said.attributes,
        due_known=said.due_known,
        owner=said.owner,
        objective_id=str(said.objective_id),
    )


def _check_in(stamp: Stamp, payload: dict[str, Any]) -> CheckIn:
    said = CheckInPayload.model_validate(payload)
    return CheckIn(
        Version(*stamp, said.source_id),
        key_result_id=str(said.key_result_id),
        as_of=said.as_of.toordinal(),
        value=said.value,
        target=said.target,
        confidence=said.confidence,
    )


def _outcome(stamp: Stamp, payload: dict[str, Any]) -> Outcome:
    said = OutcomePayload.model_validate(payload)
    return Outcome(
        Version(*stamp, said.source_id),
        key_result_id=str(said.key_result_id),
        final_value=said.final_value,
        target=said.target,
        achieved=None if said.resolution == "dropped" else said.achieved,
    )


_NUMBERS = (float, int, NoneType)
is_uuid = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
"""Whether a text is a UUID as this system writes them."""
_READERS: dict[str, Callable[[Stamp, dict[str, Any]], Input]] = {
    "key_result": _definition,
    "check_in": _check_in,
    "outcome": _outcome,
}


def utc_day(moment: datetime) -> int:
    """The ordinal of the day, in UTC, of a moment."""
    return moment.astimezone(UTC).toordinal()
