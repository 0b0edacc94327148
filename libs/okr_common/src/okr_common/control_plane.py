"""The control plane of a service: its schedule, the requests it gets, and the runs it executes.

The only module that imports Faust (facts and settings: docs/adr). Faust wakes and carries; it never holds the only
copy of a fact: slots and runs stand in the ledger, which is looked at again and again.
"""

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import asyncpg
import faust
from faust.contrib.asgi import faust_app_running

from okr_common import runs_api
from okr_common.clock import Clock, starting_at, utc_now
from okr_common.delivery.relay import Relay
from okr_common.errors import FatalError
from okr_common.health import Check
from okr_common.kafka.dead_letters import Received
from okr_common.kafka.header_names import make_readable
from okr_common.kafka.topic_watch import topic_ids
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE, until_done
from okr_common.run_requests import RunRequests
from okr_common.run_steps import Steps
from okr_common.runner import RETRY, Runner
from okr_common.runs import Retry
from okr_common.scheduler import Scheduler, Timetable
from okr_common.service import Part
from okr_common.settings import ServiceSettings
from okr_common.topics import RUN_REQUESTS, Topic
from okr_common.topology import Stage

log = logger(__name__)
LOOK_SECONDS = 1.0
STALLED_SECONDS = 120.0
FAUST_STOP_SECONDS = 10.0
NOTHING: Mapping[Topic, "Take"] = MappingProxyType({})


Take = Callable[[Received], Awaitable[None]]
"""Handles one message; what passes by itself is tried again, anything else it raises is logged and left behind."""


class ControlPlane:
    """What `Parts` of a service take from here: `workers`, `live`, `ready`, `router`.

    `pool` is okr_ops; `relay` is the one relay of its outbox, which the service runs as a carrier. `follow` says who
    takes the messages of further topics: a live view, never the only copy of a fact.
    """

    def __init__(
        self,
        stage: Stage,
        settings: ServiceSettings,
        pool: asyncpg.Pool,
        relay: Relay,
        steps: Steps,
        *,
        clock: Clock | None = None,
        retry: Retry = RETRY,
        follow: Mapping[Topic, Take] = NOTHING,
    ) -> None:
        rehearsed = settings.schedule.clock_starts_at
        self._stage = stage
        self._bootstrap = settings.kafka.bootstrap
        self._pool = pool
        self._relay = relay
        self._follow = follow
        self._cron = settings.schedule.cron_of(stage)
        clock = clock or (utc_now if rehearsed is None else starting_at(rehearsed))
        holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"
        lease = timedelta(seconds=settings.schedule.lease_seconds)
        self.runner = Runner(pool, stage, steps, holder=holder, announced=relay.wake, lease=lease, retry=retry)
        timetable = Timetable.of(stage, settings.schedule)
        self.scheduler = Scheduler(pool, stage, timetable, holder=holder, clock=clock, changed=self._changed)
        self.router = runs_api.router(stage, pool, clock, self._changed)
        self._app: Any = None
        self._looked = time.monotonic()

    @property
    def workers(self) -> Mapping[str, Part]:
        """Tasks of the service."""
        return {"scheduler": self._schedule, "faust": self._listen, "runner": self.runner.run}

    @property
    def live(self) -> Mapping[str, Check]:
        """Red when only a restart can help."""
        return {"faust": self._crashed, "scheduler": self._stalled}

    @property
    def ready(self) -> Mapping[str, Check]:
        """Red until requests are listened to."""
        return {"faust": lambda: None if self._app is not None else "waits for the broker and its topics"}

    def _changed(self) -> None:
        """The ledger has something new: it is to be announced, and perhaps executed here."""
        self._relay.wake()
        self.runner.wake()

    async def _schedule(self, stop: asyncio.Event) -> None:
        """Looks for due slots each second: at start for missed ones, then also for ticks that Faust lost."""
        while not stop.is_set():
            try:
                await self.scheduler.tick()
            except RETRYABLE as error:
                log.warning("tick_postponed", error=repr(error))
            self._looked = time.monotonic()
            await _pause(LOOK_SECONDS, stop)

    async def _listen(self, stop: asyncio.Event) -> None:
        """Runs the Faust app until `stop`. Raises FatalError when it crashed: only a new process helps."""
        topics = [RUN_REQUESTS.name, *(topic.name for topic in self._follow)]
        try:
            ids = await until_done("topics", lambda: topic_ids(self._bootstrap, topics), stop)
        except RETRYABLE:
            return  # stopped before the broker came: until then it is retried
        requests = RunRequests(self._pool, self._stage, ids, self._changed)
        with tempfile.TemporaryDirectory(prefix="okr-faust-") as folder:
            await self._run_faust(self._application(requests, folder, stop), stop)

    async def _run_faust(self, app: faust.App, stop: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with faust_app_running(app, stop_timeout=FAUST_STOP_SECONDS):
                self._app = app
                while not stop.is_set() and not app.crashed:
                    await _pause(LOOK_SECONDS, stop)
        if not stop.is_set():
            raise FatalError(
                f"{self._crashed() or 'the Faust app ended'}; the process ends, its supervisor restarts it"
            )

    def _application(self, requests: RunRequests, folder: str, stop: asyncio.Event) -> faust.App:
        app = application(self._stage, self._bootstrap, folder)
        for topic, take in {RUN_REQUESTS: requests.take, **self._follow}.items():
            _agent(app, topic, take, stop)

        @app.crontab(self._cron, timezone=UTC)
        async def cron() -> None:
            await harmless("cron", self.scheduler.tick)

        return app

    def _crashed(self) -> str | None:
        return f"Faust crashed: {self._app.crash_reason!r}" if self._app is not None and self._app.crashed else None

    def _stalled(self) -> str | None:
        idle = time.monotonic() - self._looked
        return f"nobody has looked for due slots for {idle:.0f} s" if idle > STALLED_SECONDS else None


RAW: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
"""Messages are decoded by our own codec."""


def application(stage: Stage, bootstrap: str, folder: str) -> faust.App:
    """A Faust app with the settings under which it was found to survive; `folder` is one that it may fill."""
    make_readable()
    return faust.App(
        f"{stage.group}-control",
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        datadir=folder,
        autodiscover=False,
        store="memory://",
        web_enabled=False,
        timezone=UTC,
        topic_partitions=1,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=10,
        broker_heartbeat_interval=2,
        broker_request_timeout=20,
        broker_rebalance_timeout=20,
        broker_commit_interval=0.5,
        broker_commit_every=100,
    )


def _agent(app: faust.App, topic: Topic, take: Take, stop: asyncio.Event) -> None:
    """One agent, one message after the other."""

    async def handle(event: Any) -> None:  # noqa: ANN401 - Faust has no types
        received = _Received(event.message)
        await until_done(topic.name, lambda: take(received), stop)

    @app.agent(app.topic(topic.name, **RAW), name=topic.name, concurrency=1)
    async def agent(stream: Any) -> None:  # noqa: ANN401
        async for event in stream.events():
            await harmless(topic.name, partial(handle, event))
            if stop.is_set():
                await asyncio.Event().wait()  # not acknowledged: whoever comes next reads it again


async def harmless(what: str, body: Callable[[], Awaitable[None]]) -> None:
    """Lets no exception into Faust, where it would crash the app or cost seconds; the ledger is looked at again."""
    try:
        await body()
    except Exception:
        log.exception("faust_body_failed", body=what)


class _Received:
    """A message of Faust, as confluent-kafka would have it."""

    def __init__(self, message: Any) -> None:  # noqa: ANN401
        self._message = message

    def topic(self) -> str:
        return str(self._message.topic)

    def partition(self) -> int:
        return int(self._message.partition)

    def offset(self) -> int:
        return int(self._message.offset)

    def key(self) -> bytes | None:
        return None if self._message.key is None else bytes(self._message.key)

    def value(self) -> bytes | None:
        return None if self._message.value is None else bytes(self._message.value)

    def headers(self) -> list[tuple[str, bytes | str | None]]:
        held = self._message.headers or ()
        return list(held.items() if isinstance(held, Mapping) else held)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
