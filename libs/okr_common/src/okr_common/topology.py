"""The flow as data: one Stage per service. The picture in docs, AsyncAPI and the start order come from here."""

from dataclasses import dataclass

from okr_common import topics
from okr_common.topics import Topic


@dataclass(frozen=True, slots=True)
class Stage:
    """A service in the flow.

    `steps` are the names its runs have in the ledger; where one of `optional_steps` fails the run goes on and is
    degraded. `cron` is in UTC; a scheduled run waits for that day's run of the pipeline it `needs`. `databases` are
    those it connects to.
    """

    service: str
    consumes: tuple[Topic, ...]
    produces: tuple[Topic, ...]
    writes: tuple[str, ...]
    databases: tuple[str, ...]
    default_port: int
    cron: str
    steps: tuple[str, ...]
    optional_steps: tuple[str, ...] = ()
    needs: str | None = None

    @property
    def module(self) -> str:
        """The import name; `python -m` runs it."""
        return "okr_" + self.service.replace("-", "_")

    @property
    def role(self) -> str:
        """The login role in PostgreSQL."""
        return self.module

    @property
    def group(self) -> str:
        """The consumer group's id."""
        return "okr-" + self.service

    @property
    def event_source(self) -> str:
        """The CloudEvents source of what it publishes."""
        return f"/okr/{self.service}"


STAGES: dict[str, Stage] = {
    stage.service: stage
    for stage in (
        Stage(
            service="ingest-csv",
            consumes=(topics.RUN_REQUESTS,),
            produces=(topics.RUN_REQUESTS, topics.INGESTION_EVENTS, topics.DEAD_LETTERS),
            writes=("raw",),
            databases=("raw", "ops"),
            default_port=8101,
            cron="0 */2 * * *",
            steps=("scan", "validate", "load", "clean", "publish", "track"),
            optional_steps=("track",),
        ),
        Stage(
            service="ingest-api",
            consumes=(topics.RUN_REQUESTS,),
            produces=(topics.RUN_REQUESTS, topics.INGESTION_EVENTS, topics.RAW_RECORDS, topics.DEAD_LETTERS),
            writes=("raw",),
            databases=("raw", "ops"),
            default_port=8102,
            cron="0 */4 * * *",
            steps=("check_health", "fetch", "transform_validate", "publish", "store"),
            optional_steps=("check_health", "fetch", "transform_validate"),
        ),
        Stage(
            service="etl",
            consumes=(topics.RUN_REQUESTS, topics.INGESTION_EVENTS),
            produces=(topics.RUN_REQUESTS, topics.PROCESSING_EVENTS, topics.PROCESSED_RECORDS, topics.DEAD_LETTERS),
            writes=("processed", "curated"),
            databases=("raw", "processed", "curated", "ops"),
            default_port=8103,
            cron="0 2 * * *",
            steps=("discover", "ingest_raw", "transform_validate", "load_processed", "reconcile", "curate", "publish"),
            optional_steps=("discover", "transform_validate", "reconcile", "curate"),
        ),
        Stage(
            service="trainer",
            consumes=(topics.RUN_REQUESTS, topics.PROCESSED_RECORDS, topics.PROCESSING_EVENTS),
            produces=(topics.RUN_REQUESTS, topics.PREDICTIONS, topics.MODEL_EVENTS, topics.DEAD_LETTERS),
            writes=("ops",),
            databases=("raw", "processed", "ops"),
            default_port=8104,
            cron="0 6 * * *",
            steps=("train_initial", "update_incrementally", "evaluate_validate", "register", "track_performance"),
            optional_steps=("train_initial", "track_performance"),
            needs="etl",
        ),
        Stage(
            service="monitor",
            consumes=(
                topics.RUN_REQUESTS,
                topics.INGESTION_EVENTS,
                topics.PROCESSING_EVENTS,
                topics.MODEL_EVENTS,
                topics.MONITORING_EVENTS,
            ),
            produces=(topics.RUN_REQUESTS, topics.MONITORING_EVENTS, topics.DEAD_LETTERS),
            writes=("ops",),
            databases=("raw", "processed", "curated", "ops"),
            default_port=8105,
            cron="*/30 * * * *",
            steps=("model_performance", "data_quality", "system_health", "detect_drift", "generate_alerts"),
            optional_steps=("model_performance", "data_quality", "system_health", "detect_drift"),
        ),
    )
}
