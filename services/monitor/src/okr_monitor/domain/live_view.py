"""The live view: what just happened, in words. Bounded, and gone with the process: the facts stand in the databases."""

from collections import Counter, deque
from datetime import datetime
from string import Formatter
from typing import Any, NamedTuple

from okr_common.counted import counted
from okr_common.events import Event
from okr_common.topics import Topic
from okr_common.topology import STAGES

KEPT = 100
SENTENCES: dict[str, str] = {
    "okr.ingestion.file_discovered.v1": "file {0.file_id} of {0.source} discovered: {0.path}",
    "okr.ingestion.file_validated.v1": "file {0.file_id} of {0.source} is readable ({0.encoding})",
    "okr.ingestion.file_loading.v1": "file {0.file_id} of {0.source} is being read",
    "okr.ingestion.file_done.v1": "file {0.file_id} of {0.source} stored: {0.rows:row|}, {0.unreadable} unreadable",
    "okr.ingestion.file_rejected.v1": "file {0.file_id} of {0.source} {0.state}: {0.reason}",
    "okr.ingestion.batch_ingested.v1": "batch {0.batch_id} of {0.source} released: {0.rows:row|}",
    "okr.processing.batch_transformed.v1": (
        "batch {0.batch_id} of {0.source} transformed: {0.rows:row|}, {0.check_ins:new version|} of check-ins"
    ),
    "okr.processing.batch_loaded.v1": (
        "batch {0.batch_id} of {0.source} loaded: {0.new} new, {0.changed} changed, {0.rejected} rejected"
    ),
    "okr.processing.batch_published.v1": "batch {0.batch_id} of {0.source} published: {0.versions:version|}",
    "okr.processing.outcomes_decided.v1": "{0.outcomes:key result|} of {0.source} came due",
    "okr.processing.absent_closed.v1": "{0.key_results:key result|} of {0.source} closed: in its export no more",
    "okr.processing.source_replayed.v1": (
        "{0.source} done again: {0.versions:version differs|versions differ}, {0.closed} closed"
    ),
    "okr.processing.batch_drifted.v1": "batch {0.batch_id} of {0.source} does not add up: {0.wrong[0]}",
    "okr.processing.documents_curated.v1": "{0.changed:document|} of {0.source} written",
    "okr.model.trained.v1": "model {0.model} version {0.version} trained on {0.check_ins:check-in|}",
    "okr.model.evaluated.v1": "model {0.model} version {0.version} evaluated on {0.n:prediction|}",
    "okr.model.judged.v1": "model {0.model} version {0.version} judged against version {0.against}; passed: {0.passed}",
    "okr.model.checkpoint_refused.v1": "checkpoint of model {0.model} refused; version {0.serves} serves: {0.reason}",
    "okr.model.drifted.v1": (
        "model {0.model}: outcomes come otherwise than it says ({0.kind}), after {0.outcomes:outcome|}"
    ),
    "okr.model.promoted.v1": "model {0.model}: version {0.version} serves instead of {0.before} ({0.made_by})",
    "okr.model.registered.v1": "model {0.model} version {0.version} registered as {0.alias}",
    "okr.run.requested.v1": "run of {0.pipeline} requested ({0.trigger})",
    "okr.monitoring.report_made.v1": "report {0.report_id}, {0.kind}: {0.verdict}",
    "okr.monitoring.drift_detected.v1": "drift in model {0.about}",
    "okr.monitoring.alert_raised.v1": "alert: {0.text}",
    "okr.monitoring.alert_resolved.v1": "alert resolved: {0.rule} of {0.about}",
}
"""What an event says, by its type; one that is not here says its type and subject. `{n:one|several}` counts."""
RUN_STEP = "step {0.step} of {0.pipeline} {0.state}"


class _Telling(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - a field of any event
        one, several, more = format_spec.partition("|")
        return counted(value, one, more or None) if several else super().format_field(value, format_spec)


class Happened(NamedTuple):
    """One event."""

    at: datetime
    topic: str
    type: str
    text: str


class LiveView:
    """The newest events, and how many there were of each topic since the process began."""

    def __init__(self) -> None:
        self._recent: deque[Happened] = deque(maxlen=KEPT)
        self.heard: Counter[str] = Counter()
        self.unreadable: Counter[str] = Counter()

    def hear(self, event: Event, at: datetime) -> None:
        """One more event; batches of several partitions may come out of order by a moment."""
        self.heard[event.topic.name] += 1
        self._recent.append(Happened(at, event.topic.name, short(event.ce_type), sentence(event)))

    @property
    def recent(self) -> list[Happened]:
        """The newest first."""
        return sorted(self._recent, key=lambda one: one.at, reverse=True)


def sentence(event: Event) -> str:
    """An event in words."""
    known = SENTENCES.get(event.ce_type)
    if known is None and short(event.ce_type) == "run_step_ended":
        known = RUN_STEP
    return f"{short(event.ce_type)} {event.subject}" if known is None else _Telling().format(known, event)


def short(ce_type: str) -> str:
    """The last part of a type's name.

    >>> short("okr.ingestion.file_done.v1")
    'file_done'
    """
    return ce_type.split(".")[-2]


def is_ours_alone(topic: Topic) -> bool:
    """Whether only the monitor reads this topic: then it must set aside what nobody can read, else another does."""
    return [stage.service for stage in STAGES.values() if topic in stage.consumes] == ["monitor"]
