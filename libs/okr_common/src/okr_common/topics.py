"""Every topic of the system, each with what travels on it and how long it is kept."""

import zlib
from dataclasses import dataclass
from functools import lru_cache

DAY_MS = 86_400_000
PARTITIONS = 12
"""Bounds how many replicas can share the sources, and the models."""
MESSAGE_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `carries` in words; `retention_ms` None means compacted."""

    name: str
    carries: str
    partitions: int = PARTITIONS
    retention_ms: int | None = 30 * DAY_MS
    max_message_bytes: int = MESSAGE_BYTES

    def partition_of(self, partition_key: str) -> int:
        """The partition that holds everything of this key."""
        return partition_for(partition_key, self.partitions)

    def config(self) -> dict[str, str]:
        """The broker's settings of this topic."""
        size = {"max.message.bytes": str(self.max_message_bytes)}
        if self.retention_ms is None:
            return {**size, "cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * DAY_MS)}
        return {**size, "retention.ms": str(self.retention_ms)}


RUN_REQUESTS = Topic("okr_run_requests", "a run was requested", partitions=3, retention_ms=7 * DAY_MS)
INGESTION_EVENTS = Topic(
    "okr_ingestion_events", "files and batches, as they are discovered, validated, ingested, done, rejected"
)
PROCESSING_EVENTS = Topic("okr_processing_events", "batches, as they are transformed, loaded, published, curated")
MODEL_EVENTS = Topic("okr_model_events", "models, as they are trained, evaluated, registered, promoted", partitions=3)
MONITORING_EVENTS = Topic("okr_monitoring_events", "reports, drift, alerts", partitions=3)
RAW_RECORDS = Topic("okr_raw_records", "one raw row of an API source", retention_ms=7 * DAY_MS)
PROCESSED_RECORDS = Topic("okr_processed_records", "one version of one objective, key result, check-in or outcome")
PREDICTIONS = Topic(
    "okr_predictions",
    "how likely a key result is to be reached, and why; null once there is no such key result any more",
    retention_ms=None,
)
DEAD_LETTERS = Topic(
    "okr_dead_letters",
    "a message that could not be handled: its bytes and headers, why, where from; or the note that it was sent again",
    max_message_bytes=2 * MESSAGE_BYTES,
)

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        RUN_REQUESTS,
        INGESTION_EVENTS,
        PROCESSING_EVENTS,
        MODEL_EVENTS,
        MONITORING_EVENTS,
        RAW_RECORDS,
        PROCESSED_RECORDS,
        PREDICTIONS,
        DEAD_LETTERS,
    )
}


@lru_cache(maxsize=10_000)
def partition_for(partition_key: str, partitions: int) -> int:
    """The partition that holds everything of this key: CRC-32 modulo the number of partitions.

    >>> partition_for("mta_nyct", 12) == partition_for("mta_nyct", 12)
    True
    """
    return zlib.crc32(partition_key.encode()) % partitions
