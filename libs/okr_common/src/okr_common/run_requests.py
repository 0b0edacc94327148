"""What arrives on okr_run_requests: written into the ledger, under an id that makes a repeat harmless."""

from collections.abc import Callable, Mapping

import asyncpg

from okr_common import metrics
from okr_common.delivery import outbox
from okr_common.errors import PermanentError
from okr_common.events import RunRequested
from okr_common.kafka.consumer import event_of
from okr_common.kafka.dead_letters import Received, dead_letter
from okr_common.logs import logger
from okr_common.postgres import ledger
from okr_common.runs import Run, RunState
from okr_common.topics import RUN_REQUESTS
from okr_common.topology import STAGES, Stage

log = logger(__name__)
FOR_NOBODY = "monitor"
"""Who sets a message aside whose key names no pipeline."""


class RunRequests:
    """Takes the requests for one pipeline. `requested` is called after each that stands in the ledger."""

    def __init__(
        self, pool: asyncpg.Pool, stage: Stage, topic_ids: Mapping[str, str], requested: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._stage = stage
        self._topic_id = topic_ids[RUN_REQUESTS.name]
        self._requested = requested

    async def take(self, message: Received) -> None:
        """Writes one request down; a message that is none becomes a dead letter of the service its key names."""
        if addressee(message.key()) != self._stage.service:
            return
        metrics.MESSAGES_CONSUMED.labels(RUN_REQUESTS.name).inc()
        try:
            await self._write_down(_run_of(message, self._stage))
        except PermanentError as why:
            await self._set_aside(message, why)
        self._requested()

    async def _write_down(self, run: Run) -> None:
        try:
            is_new = await ledger.insert(self._pool, run)
        except asyncpg.DataError as error:
            raise PermanentError("not_storable", f"the ledger cannot hold this request: {error}") from None
        log.info("run_request_taken", run_id=str(run.run_id), trigger=run.trigger, is_new=is_new)

    async def _set_aside(self, message: Received, why: PermanentError) -> None:
        log.warning("run_request_set_aside", reason=why.reason, error=str(why), offset=message.offset())
        letter = dead_letter(message, why, self._stage, self._topic_id)
        async with self._pool.acquire() as connection, connection.transaction():
            await outbox.put(connection, self._stage.service, [letter])


def addressee(key: bytes | str | None) -> str:
    """Which service a request is for.

    >>> addressee(b"etl"), addressee(None)
    ('etl', 'monitor')
    """
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    return name if name in STAGES else FOR_NOBODY


def _run_of(message: Received, stage: Stage) -> Run:
    event = event_of(message)
    if not isinstance(event, RunRequested) or event.pipeline != stage.service:
        raise PermanentError("not_a_request", f"a {event.ce_type} under the key {stage.service} requests no run of it")
    return Run(
        run_id=event.run_id,
        pipeline=event.pipeline,
        logical_time=event.logical_time,
        trigger=event.trigger,
        state=RunState.REQUESTED,
        parameters=event.parameters,
    )
