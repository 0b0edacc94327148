"""What the record topics carry: versions of entities, and predictions."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from okr_common import topics
from okr_common.topics import Topic

Entity = Literal["objective", "key_result", "check_in", "outcome"]


class RawRecord(BaseModel):
    """One raw row of an API source, as it travels on okr_raw_records.

    `cells` is the object as it was received; None where it is too large for a message: okr_raw holds it under
    `batch_id` and `row_num`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    ce_type: ClassVar[str] = "okr.raw.record.v1"
    topic: ClassVar[Topic] = topics.RAW_RECORDS
    cells_bytes: ClassVar[int] = topics.MESSAGE_BYTES * 9 // 10
    """As JSON text; with a larger object the message might not fit."""
    source: str
    request: str
    batch_id: int
    row_num: int
    object_id: str
    cells: dict[str, Any] | None

    @property
    def subject(self) -> str:
        """Batch and row."""
        return f"batch/{self.batch_id}/{self.row_num}"


class ProcessedRecord(BaseModel):
    """One version of one entity, as it travels on okr_processed_records and stands in entity_version.

    `payload` is one of ObjectivePayload, KeyResultPayload, CheckInPayload, OutcomePayload, by `entity`.
    `batch_id` and `row_num` lead back to the raw row. `closed`: why the entity is no more (it stays away until a higher
    revision comes); the payload is its last one then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    ce_type: ClassVar[str] = "okr.processed.record.v1"
    topic: ClassVar[Topic] = topics.PROCESSED_RECORDS
    source: str
    position: int
    seq: int
    generation: int
    entity: Entity
    entity_id: UUID
    revision: int
    knowledge_time: datetime
    batch_id: int
    row_num: int
    payload: dict[str, Any]
    closed: str | None = None

    @property
    def subject(self) -> str:
        """Entity id@revision."""
        return f"{self.entity_id}@{self.revision}"


class Alignment(BaseModel):
    """What a goal contributes to: `parents` are the keys by which the source knows those goals, `key` is its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: str | None = None
    parents: list[str] = []
    kind: Literal["contributes", "supports"] = "contributes"
    weight: float | None = None


class ObjectivePayload(BaseModel):
    """What a goal is. `alignment` and `period`, its label, only where the source's mapping names them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source_id: str
    title: str
    description: str | None = None
    start_on: date | None = None
    due_on: date | None = None
    alignment: Alignment | None = None
    period: str | None = None


class KeyResultPayload(BaseModel):
    """What is measured, and what must be reached by when. `target` None: there is no target.

    `due_known` False: the due date was set only later, so at this time nobody knew it; None: nothing is said of that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    source_id: str
    objective_id: UUID
    title: str
    description: str | None = None
    metric_kind: str
    direction: str
    inclusive: bool = True
    unit: str | None = None
    baseline: float | None = None
    target: float | None = None
    start_on: date
    due_on: date
    due_known: bool | None = None
    owner: str | None = None
    attributes: dict[str, str | float | None] = {}
    alignment: Alignment | None = None


class CheckInPayload(BaseModel):
    """A value at a time. `target` is the one that held then; `progress` is unclamped, None without target or value."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source_id: str
    key_result_id: UUID
    as_of: date
    recorded_at: datetime | None = None
    value: float | None = None
    target: float | None = None
    progress: float | None = None
    status_raw: str | None = None
    status: str | None = None
    confidence: float | None = None
    comment: str | None = None


class OutcomePayload(BaseModel):
    """How a key result ended; the record's knowledge_time says when that became known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source_id: str
    key_result_id: UUID
    final_value: float
    target: float
    achieved: bool
    resolution: str
    label_basis: str


class Reason(BaseModel):
    """One contribution: `text` in words with numbers, `weight` in log-odds against a typical key result."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    feature: str
    text: str
    weight: float


class Prediction(BaseModel):
    """How likely an open key result is to be reached by its due date, from what was known then, and why.

    `seq` rises per key result; a consumer ignores a lower one than it holds.
    The probability lies between `probability_low` and `probability_high` with 90 % certainty; where they are null, the
    pace rule answered. The final value lies between `forecast_low` and `forecast_high` with 90 % certainty; where they
    are null, too few key results have ended to tell.
    `batch_id` and `row_num` lead back to the raw row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    ce_type: ClassVar[str] = "okr.prediction.made.v1"
    topic: ClassVar[Topic] = topics.PREDICTIONS
    prediction_id: UUID
    model: str
    model_version: int
    kind: Literal["live", "late", "aged"]
    source: str
    key_result_id: UUID
    key_result: str
    check_in_id: UUID | None
    check_in_revision: int | None
    seq: int
    knowledge_time: datetime
    due_on: date
    probability: float
    probability_low: float | None = None
    probability_high: float | None = None
    risk: Literal["low", "medium", "high"]
    reasons: list[Reason]
    forecast: float | None
    forecast_low: float | None = None
    forecast_high: float | None = None
    target: float | None
    baselines: dict[str, float]
    batch_id: int
    row_num: int
    made_at: datetime
