"""The wiring of ingest-api.

A run's steps ask each endpoint page by page -> every page is stored and released in one transaction -> the relay
announces it, and sends its rows. The guard frees the sources that a replica holds which stands still.
"""

from contextlib import AsyncExitStack

from okr_common.control_plane import ControlPlane
from okr_common.delivery.guard import Guard
from okr_common.delivery.relay import Relay
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.service import Parts
from okr_common.sources import SourcesFolder
from okr_common.topology import STAGES
from okr_ingest_api import sampling
from okr_ingest_api.client import Clients
from okr_ingest_api.endpoints import Endpoints
from okr_ingest_api.fetcher import Fetcher
from okr_ingest_api.rest import router
from okr_ingest_api.settings import Settings
from okr_ingest_api.steps import ApiSteps
from okr_ingest_api.store import records
from okr_ingest_api.store.ledger import Ledger
from okr_ingest_api.store.pages import Store

STAGE = STAGES["ingest-api"]
CONNECTIONS_BESIDE_SOURCES = 6
"""The relay, the steps, the guard, and some for REST."""


async def build(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Connects, and puts the parts together."""
    mine, dsn = settings.ingest_api, settings.postgres
    raw = await open_pool(dsn.raw, STAGE.service, size=mine.parallel_sources + CONNECTIONS_BESIDE_SOURCES)
    stack.push_async_callback(raw.close)
    ops = await open_pool(dsn.ops, STAGE.service)
    stack.push_async_callback(ops.close)
    producer = Producer(settings.kafka.bootstrap, STAGE.service)
    relay = Relay(raw, producer, STAGE, records.reader(raw, STAGE))
    told = Relay(ops, producer, STAGE)
    endpoints = Endpoints(SourcesFolder(settings.sources.folder))
    ledger = Ledger(raw, STAGE)
    fetcher = Fetcher(Store(raw, STAGE), Clients(mine), mine, relay.wake, endpoints.misses)
    control = ControlPlane(STAGE, settings, ops, told, ApiSteps(endpoints, fetcher, ledger).as_steps())
    return Parts(
        workers={"guard": Guard(raw).run, **control.workers},
        carriers={"relay": relay.run, "relay_ops": told.run},
        routers=[control.router, router(endpoints, ledger), sampling.router(endpoints, mine.max_page_bytes)],
        live=control.live,
        ready=control.ready,
        status=lambda: {"enabled": sorted(endpoints.enabled()), "fetching_page": dict(fetcher.fetching)},
    )
