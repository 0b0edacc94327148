"""Everything that can happen, as immutable data. An event is past tense; its class is its schema.

An event's id is uuid5 of (type, subject, generation, attempt), so that a repeat is recognised and nothing else is
taken for one.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from okr_common import topics
from okr_common.topics import Topic

NAMESPACE = UUID("9b0c8d0a-6f0e-5d3b-8a47-0d8f3b1c2e55")
"""Of all ids this system derives from names."""


def event_name(ce_type: str, subject: str, generation: int = 1, attempt: int = 1) -> str:
    """What the id of a fact is derived from."""
    return f"{ce_type}|{subject}|{generation}|{attempt}"


def event_id(ce_type: str, subject: str, generation: int = 1, attempt: int = 1) -> UUID:
    """The one id of this fact, however often it is published."""
    return uuid5(NAMESPACE, event_name(ce_type, subject, generation, attempt))


class Event(BaseModel):
    """What all events share. Events of one order key are published, and arrive, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ce_type: ClassVar[str]
    topic: ClassVar[Topic]
    subject_form: ClassVar[str]
    order_field: ClassVar[str]

    @property
    def subject(self) -> str:
        """Names what it happened to, unique within the type and generation."""
        return self.subject_form.format(self)

    @property
    def order_key(self) -> str:
        """Whose order it belongs to: a source, a model, a pipeline."""
        return str(getattr(self, self.order_field))

    @property
    def event_id(self) -> UUID:
        """See `event_id`."""
        return event_id(self.ce_type, self.subject, getattr(self, "generation", 1), getattr(self, "attempt", 1))


class _OfSource(Event):
    order_field: ClassVar[str] = "source"
    source: str


class FileDiscovered(_OfSource):
    """A complete file was claimed: it has a sequence in its source."""

    ce_type: ClassVar[str] = "okr.ingestion.file_discovered.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS
    subject_form: ClassVar[str] = "file/{0.file_id}"
    file_id: int
    sequence: int
    path: str
    bytes: int
    sha256: str


class FindingTold(BaseModel):
    """One thing that a file's validation found; `kind` is a code of docs/reason-codes.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str
    severity: Literal["error", "warning", "information"]
    column: str | None = None
    detail: str


class FileValidated(_OfSource):
    """Its dialect is known and its header has what the mapping requires."""

    ce_type: ClassVar[str] = "okr.ingestion.file_validated.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS
    subject_form: ClassVar[str] = "file/{0.file_id}"
    file_id: int
    encoding: str
    encoding_guessed: bool
    delimiter: str
    header: list[str]


class FileLoading(_OfSource):
    """A file of several batches is being read; a large one in `ranges`, or not, as `one_reader` says."""

    ce_type: ClassVar[str] = "okr.ingestion.file_loading.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS
    subject_form: ClassVar[str] = "file/{0.file_id}"
    file_id: int
    records: int | None = None
    ranges: int = 0
    one_reader: str | None = None


class FileDone(_OfSource):
    """Every record of the file is in okr_raw: `rows` as rows, `unreadable` with a reason each."""

    ce_type: ClassVar[str] = "okr.ingestion.file_done.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS
    subject_form: ClassVar[str] = "file/{0.file_id}"
    file_id: int
    rows: int
    unreadable: int
    batches: int
    findings: list[FindingTold] = []


class FileRejected(_OfSource):
    """The file as a whole is set aside; `reason` is a code, `detail` says what to do."""

    ce_type: ClassVar[str] = "okr.ingestion.file_rejected.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS
    subject_form: ClassVar[str] = "file/{0.file_id}/{0.reason}"
    file_id: int
    state: str
    reason: str
    detail: str
    findings: list[FindingTold] = []


class BatchIngested(_OfSource):
    """A batch was released: its rows are in okr_raw and it has its position in the source (a claim check)."""

    ce_type: ClassVar[str] = "okr.ingestion.batch_ingested.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS
    subject_form: ClassVar[str] = "batch/{0.batch_id}"
    batch_id: int
    position: int
    rows: int
    file_id: int | None = None
    request: str | None = None


class BatchTransformed(_OfSource):
    """A batch's rows, and those before that waited for one of them, made so many new versions of each entity.

    `mapping_version` is that of the source's mapping under which they did. The four counts add up to BatchPublished's
    `versions`.
    """

    ce_type: ClassVar[str] = "okr.processing.batch_transformed.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "batch/{0.batch_id}"
    batch_id: int
    position: int
    generation: int
    mapping_version: int
    rows: int
    objectives: int
    key_results: int
    check_ins: int
    outcomes: int


class BatchLoaded(_OfSource):
    """A batch was applied to okr_processed; every row is counted once."""

    ce_type: ClassVar[str] = "okr.processing.batch_loaded.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "batch/{0.batch_id}"
    batch_id: int
    position: int
    generation: int
    rows: int
    new: int
    changed: int
    duplicate: int
    unchanged: int
    rejected: int
    pending: int


class BatchPublished(_OfSource):
    """All entity versions of the batch stand on okr_processed_records before this event was sent.

    `behind` counts the source's released batches after this one when it was applied; `outcomes` is the source's total.
    """

    ce_type: ClassVar[str] = "okr.processing.batch_published.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "batch/{0.batch_id}"
    batch_id: int
    position: int
    generation: int
    versions: int
    behind: int
    outcomes: int


class OutcomesDecided(_OfSource):
    """Key results whose due date and days of grace are over have outcomes now.

    Their records were sent before this event; they stand behind the batch at `position`, after `after_seq`.
    """

    ce_type: ClassVar[str] = "okr.processing.outcomes_decided.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "due/{0.source}/{0.position}/{0.after_seq}"
    position: int
    generation: int
    after_seq: int
    outcomes: int


class AbsentClosed(_OfSource):
    """Key results that the file which ends with this batch has no more were closed, as were objectives left with none.

    Their records, which say `closed` as this event does, were sent before it; they stand behind the batch at
    `position`, after `after_seq`. Where what was told of the key results goes, too, `versions` counts that as well.
    """

    ce_type: ClassVar[str] = "okr.processing.absent_closed.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "absent/{0.source}/{0.position}/{0.after_seq}"
    position: int
    generation: int
    after_seq: int
    batch_id: int
    closed: str
    key_results: int
    objectives: int
    versions: int


class SourceReplayed(_OfSource):
    """The source's batches from `first_position` to `position` were done again, with today's mapping.

    The generation holds now: `versions` were published for it, among them `closed` entities that nothing says any more;
    `withdrawn` earlier versions hold no longer. What both generations say alike was not published again.
    """

    ce_type: ClassVar[str] = "okr.processing.source_replayed.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "replay/{0.source}@{0.generation}"
    generation: int
    first_position: int
    position: int
    mapping_hash: str
    versions: int
    withdrawn: int
    closed: int


class BatchDrifted(_OfSource):
    """A run counted the batch again, and it does not add up; `wrong` says what was expected and what is there."""

    ce_type: ClassVar[str] = "okr.processing.batch_drifted.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "run/{0.run_id}/{0.source}/{0.position}"
    batch_id: int
    position: int
    run_id: UUID
    wrong: list[str]


class DocumentsCurated(_OfSource):
    """Of so many due documents `changed` were written anew, or removed with their goal; `revision`: the highest."""

    ce_type: ClassVar[str] = "okr.processing.documents_curated.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS
    subject_form: ClassVar[str] = "documents/{0.source}@{0.revision}"
    revision: int
    documents: int
    changed: int


class _OfMonitoring(Event):
    """`about` is what it concerns: a pipeline, a model, the subject of an alert."""

    topic: ClassVar[Topic] = topics.MONITORING_EVENTS
    order_field: ClassVar[str] = "about"
    about: str


class ReportMade(_OfMonitoring):
    """A step of the monitor's run wrote what it found; the report itself stands in okr_ops."""

    ce_type: ClassVar[str] = "okr.monitoring.report_made.v1"
    subject_form: ClassVar[str] = "report/{0.report_id}"
    report_id: int
    kind: str
    verdict: str
    run_id: UUID


class DriftDetected(_OfMonitoring):
    """Features of a model (`about`) no longer look as in its training; `features` holds each one's PSI."""

    ce_type: ClassVar[str] = "okr.monitoring.drift_detected.v1"
    subject_form: ClassVar[str] = "report/{0.report_id}/{0.about}"
    report_id: int
    features: dict[str, float]


class AlertRaised(_OfMonitoring):
    """Something is wrong that was not wrong before; `text` says what, and where to look."""

    ce_type: ClassVar[str] = "okr.monitoring.alert_raised.v1"
    subject_form: ClassVar[str] = "alert/{0.alert_id}"
    alert_id: int
    rule: str
    severity: Literal["warning", "critical"]
    text: str


class AlertResolved(_OfMonitoring):
    """The cause of an alert is gone."""

    ce_type: ClassVar[str] = "okr.monitoring.alert_resolved.v1"
    subject_form: ClassVar[str] = "alert/{0.alert_id}"
    alert_id: int
    rule: str


class _OfModel(Event):
    order_field: ClassVar[str] = "model"
    model: str
    subject_form: ClassVar[str] = "{0.model}@{0.version}"
    version: int


class ModelTrained(_OfModel):
    """A version was made by replaying history up to `position`."""

    ce_type: ClassVar[str] = "okr.model.trained.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    position: int
    check_ins: int
    outcomes: int
    state_digest: str


class ModelEvaluated(_OfModel):
    """How the version did, beside its baselines; `metrics` by name of predictor, then metric."""

    ce_type: ClassVar[str] = "okr.model.evaluated.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    n: int
    metrics: dict[str, dict[str, float]]


class ModelJudged(_OfModel):
    """The gates compared the version with the one that served, and with the pace rule; `reasons`: rules it broke."""

    ce_type: ClassVar[str] = "okr.model.judged.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    against: int
    passed: bool
    reasons: list[str]


class ModelRegistered(_OfModel):
    """The version stands in the registry: as champion it serves, as challenger it does not, or not yet."""

    ce_type: ClassVar[str] = "okr.model.registered.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    alias: str


class ModelPromoted(_OfModel):
    """The version serves now, instead of `before`. `learned_again`: rows it had missed, and learned for that."""

    ce_type: ClassVar[str] = "okr.model.promoted.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    subject_form: ClassVar[str] = "change/{0.change_id}"
    change_id: int
    before: int
    made_by: Literal["gates", "person", "recovery"]
    reason: str
    learned_again: int


class ModelDrifted(_OfModel):
    """Outcomes have begun to come otherwise than the model says; it learns faster from here on.

    `kind`: more or fewer are achieved than it said, or its errors grew beyond what it expects itself. `outcomes`: heard
    since the drift before, or since the first; `learned`: rows by then.
    """

    ce_type: ClassVar[str] = "okr.model.drifted.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    subject_form: ClassVar[str] = "{0.model}@{0.version}/row/{0.learned}"
    kind: Literal["more_achieved", "fewer_achieved", "errors_grew"]
    outcomes: int
    learned: int


class CheckpointRefused(_OfModel):
    """The state of the version that served could not be proven, so another one serves: itself as registered, or older.

    `serves` 0: the pace rule, until a training has made a version anew.
    """

    ce_type: ClassVar[str] = "okr.model.checkpoint_refused.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS
    subject_form: ClassVar[str] = "change/{0.change_id}"
    change_id: int
    serves: int
    reason: str


Trigger = Literal["cron", "rest", "cli", "catch_up", "dependency"]
"""Who wanted a run: the schedule on time, a person, the schedule late, another run."""


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _in_utc(time: datetime) -> datetime:
    if not EARLIEST <= time <= LATEST:
        raise ValueError(f"a logical_time lies between {EARLIEST:%Y} and {LATEST:%Y}")
    return time.astimezone(UTC)


LogicalTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""What a run is for: the slot, or the time that was asked for. With an offset; held in UTC."""


class _OfRun(Event):
    order_field: ClassVar[str] = "pipeline"
    run_id: UUID
    pipeline: str


class RunRequested(_OfRun):
    """Somebody or something wants this pipeline to run."""

    ce_type: ClassVar[str] = "okr.run.requested.v1"
    topic: ClassVar[Topic] = topics.RUN_REQUESTS
    subject_form: ClassVar[str] = "run/{0.run_id}"
    logical_time: LogicalTime
    trigger: Trigger
    parameters: dict[str, Any] = {}


class RunStepEnded(_OfRun):
    """An attempt of a step of a run ended; each pipeline says so on its own event topic."""

    subject_form: ClassVar[str] = "run/{0.run_id}/{0.step}"
    step: str
    number: int
    attempt: int
    state: Literal["succeeded", "failed", "skipped"]
    detail: dict[str, Any] = {}


class IngestionRunStepEnded(RunStepEnded):
    """A step of ingest-csv or ingest-api."""

    ce_type: ClassVar[str] = "okr.ingestion.run_step_ended.v1"
    topic: ClassVar[Topic] = topics.INGESTION_EVENTS


class ProcessingRunStepEnded(RunStepEnded):
    """A step of etl."""

    ce_type: ClassVar[str] = "okr.processing.run_step_ended.v1"
    topic: ClassVar[Topic] = topics.PROCESSING_EVENTS


class ModelRunStepEnded(RunStepEnded):
    """A step of trainer."""

    ce_type: ClassVar[str] = "okr.model.run_step_ended.v1"
    topic: ClassVar[Topic] = topics.MODEL_EVENTS


class MonitoringRunStepEnded(RunStepEnded):
    """A step of monitor."""

    ce_type: ClassVar[str] = "okr.monitoring.run_step_ended.v1"
    topic: ClassVar[Topic] = topics.MONITORING_EVENTS


RUN_STEP_ENDED: dict[Topic, type[RunStepEnded]] = {
    event.topic: event
    for event in (IngestionRunStepEnded, ProcessingRunStepEnded, ModelRunStepEnded, MonitoringRunStepEnded)
}
"""The event that says so on each event topic."""
