"""The databases of etl, connected: each store with the pool it reads and writes."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg

from okr_common.delivery.relay import Relay
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.settings import PostgresSettings
from okr_common.topology import STAGES
from okr_etl.store.absent import AbsentStore
from okr_etl.store.documents import DocumentStore
from okr_etl.store.due import DueStore
from okr_etl.store.items import Items
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.quality import QualityStore
from okr_etl.store.raw import RawStore
from okr_etl.store.reconciling import ReconcilingStore
from okr_etl.store.replays import ReplayStore

STAGE = STAGES["etl"]
PROCESSED_CONNECTIONS = 8
"""A batch's transaction, a look ahead, a replay, the relay and its units, the curator, the guard, and some for REST."""


@dataclass(frozen=True, slots=True)
class Relays:
    """What carries each database's outbox to Kafka."""

    processed: Relay
    curated: Relay
    ops: Relay


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that is read and written; `guarded` is the pool of what a replica that stands still may hold."""

    raw: RawStore
    processed: ProcessedStore
    documents: DocumentStore
    quality: QualityStore
    replays: ReplayStore
    due: DueStore
    reconciling: ReconcilingStore
    absent: AbsentStore
    items: Items
    ops: asyncpg.Pool
    guarded: asyncpg.Pool
    relays: Relays


async def connect(stack: AsyncExitStack, postgres: PostgresSettings, producer: Producer) -> Stores:
    """Opens the pools; the stack closes them."""
    raw = await stack.enter_async_context(await open_pool(postgres.raw, STAGE.module, leaves_nothing=True))
    processed = await stack.enter_async_context(
        await open_pool(postgres.processed, STAGE.module, size=PROCESSED_CONNECTIONS, leaves_nothing=True)
    )
    curated = await stack.enter_async_context(await open_pool(postgres.curated, STAGE.module, leaves_nothing=True))
    ops = await stack.enter_async_context(await open_pool(postgres.ops, STAGE.module))
    units = ProcessedStore(processed)
    return Stores(
        raw=RawStore(raw),
        processed=units,
        documents=DocumentStore(processed, curated),
        quality=QualityStore(processed),
        replays=ReplayStore(processed),
        due=DueStore(processed),
        reconciling=ReconcilingStore(raw, processed),
        absent=AbsentStore(processed),
        items=Items(ops),
        ops=ops,
        guarded=processed,
        relays=Relays(
            Relay(processed, producer, STAGE, units.read_unit),
            Relay(curated, producer, STAGE),
            Relay(ops, producer, STAGE),
        ),
    )
