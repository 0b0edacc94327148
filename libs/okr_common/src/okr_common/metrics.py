"""Every metric of the system: prefix okr_, base units. Services import the objects; docs list this file."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_CONSUMED = Counter("okr_messages_consumed_total", "Messages taken from Kafka", ["topic"])
MESSAGES_PUBLISHED = Counter("okr_messages_published_total", "Messages acknowledged by the broker", ["topic"])
DEAD_LETTERS = Counter(
    "okr_dead_letters_total", "Messages set aside because nobody could handle them", ["topic", "reason"]
)
OFFSETS_OUT_OF_RANGE = Counter(
    "okr_offsets_out_of_range_total", "Takeovers of a partition that no longer holds the committed offset", ["topic"]
)
OUTBOX_UNSENT = Gauge("okr_outbox_unsent", "Outbox rows the relay saw unsent at its last look")
FILES = Counter("okr_files_total", "Files that reached a final state", ["source", "state", "reason"])
READING_PAUSED = Gauge(
    "okr_reading_paused", "1 while ingest-csv reads no file because a disk is nearly full, or okr_raw is slow", ["why"]
)
ROWS_INGESTED = Counter("okr_rows_ingested_total", "Raw rows committed", ["source"])
ROWS_UNREADABLE = Counter("okr_rows_unreadable_total", "Records kept as unreadable", ["source", "reason"])
ROWS_PROCESSED = Counter("okr_rows_processed_total", "Raw rows applied by etl, each counted once", ["source", "result"])
BATCHES_PREPARED = Counter(
    "okr_batches_prepared_total", "Batches read and typed by etl; what is never applied was done in vain", ["source"]
)
BATCHES_FORETOLD = Counter(
    "okr_batches_foretold_total", "Batches compared by etl while the one before was being written", ["source"]
)
ROWS_PENDING = Gauge("okr_rows_pending", "Rows that wait for a parent, after the source's last batch", ["source"])
API_REQUESTS = Counter("okr_api_requests_total", "Requests to APIs, by what came of them", ["source", "result"])
API_OBJECTS = Counter(
    "okr_api_objects_total", "Objects on fetched pages: stored, unchanged or unreadable", ["source", "result"]
)
BATCH_SECONDS = Histogram(
    "okr_batch_seconds",
    "One batch, from first read to commit",
    ["stage"],
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60),
)
PREDICTIONS = Counter("okr_predictions_total", "Predictions committed", ["model", "kind"])
OUTCOMES_LEARNED = Counter("okr_outcomes_learned_total", "Outcomes learned", ["model"])
MODEL_DRIFTS = Counter("okr_model_drifts_total", "Drifts found in the outcomes a model learned", ["model", "kind"])
CHALLENGER_BEHIND = Gauge(
    "okr_challenger_behind", "Rows a challenger has still to learn to stand where its model does", ["model", "pipeline"]
)
RUNS = Counter("okr_runs_total", "Runs that ended", ["pipeline", "state"])
RUN_STEP_SECONDS = Histogram(
    "okr_run_step_seconds",
    "One attempt of a step of a run",
    ["pipeline", "step", "state"],
    buckets=(0.01, 0.1, 1, 10, 60, 600, 3600),
)
RETRIES = Counter("okr_retries_total", "Attempts repeated after a retryable error", ["operation"])
LOOP_LAG = Gauge("okr_event_loop_lag_seconds", "How late the event loop woke at its last tick")
SERVICE_READY = Gauge("okr_service_ready", "1 where the monitor found the service ready at its last look", ["service"])
CONSUMER_LAG = Gauge("okr_consumer_lag", "Records a consumer group has still to read, at the last look", ["group"])
OPEN_ALERTS = Gauge("okr_open_alerts", "Alerts that are open", ["rule", "severity"])
REPORTS = Counter("okr_reports_total", "Reports the monitor wrote", ["kind", "verdict"])
DRIFT_PSI = Gauge("okr_drift_psi", "Population stability index at the last report", ["model", "feature"])
LIVE_SCORE = Gauge(
    "okr_live_score", "Measure of live predictions whose outcome is known", ["model", "predictor", "measure"]
)
