"""The wiring of etl: what it connects to, and which parts it is made of."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

from okr_common import topics
from okr_common.delivery.relay import Relay
from okr_common.kafka.admin import identities
from okr_common.kafka.consumer import Feed
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.service import Parts
from okr_common.sources import SourcesFolder
from okr_common.topology import STAGES
from okr_etl import rest
from okr_etl.applier import Applier
from okr_etl.curator import Curator
from okr_etl.listener import Listener
from okr_etl.mappings import Mappings
from okr_etl.settings import Settings
from okr_etl.store.documents import DocumentStore
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.quality import QualityStore
from okr_etl.store.raw import RawStore

STAGE = STAGES["etl"]


async def build(stack: AsyncExitStack, settings: Settings) -> Parts:
    """Connects and wires."""
    kafka, postgres = settings.kafka.bootstrap, settings.postgres
    raw_pool = await stack.enter_async_context(await open_pool(postgres.raw, STAGE.module))
    processed_pool = await stack.enter_async_context(await open_pool(postgres.processed, STAGE.module, size=6))
    curated_pool = await stack.enter_async_context(await open_pool(postgres.curated, STAGE.module))
    producer = Producer(kafka, STAGE.module)
    heard = topics.INGESTION_EVENTS.name
    _, topic_ids = await asyncio.to_thread(identities, kafka, [heard])

    raw, processed = RawStore(raw_pool), ProcessedStore(processed_pool)
    documents = DocumentStore(processed_pool, curated_pool)
    records = Relay(processed_pool, producer, STAGE, processed.read_unit)
    events = Relay(curated_pool, producer, STAGE)
    applier = Applier(
        raw,
        processed,
        Mappings(SourcesFolder(settings.sources.folder)),
        applied=records.wake,
        sweep_seconds=settings.etl.sweep_seconds,
    )
    curator = Curator(
        documents, every_seconds=settings.etl.curate_seconds, limit=settings.etl.documents, written=events.wake
    )
    feed = Feed(kafka, STAGE.group, [heard])
    listener = Listener(feed, processed, topic_ids[heard], wake=applier.wake, told=records.wake)

    def waiting() -> dict[str, Any]:
        return {source: asdict(why) for source, why in applier.waiting.items()}

    return Parts(
        workers={"listen": listener.run, "apply": applier.run, "curate": curator.run},
        carriers={"relay": records.run, "relay_curated": events.run},
        routers=[rest.router(QualityStore(processed_pool), raw, documents, waiting)],
        live={"feed": feed.trouble},
        status=lambda: {"heads": applier.heads, "waiting": waiting(), "documents_written": curator.documents},
    )
