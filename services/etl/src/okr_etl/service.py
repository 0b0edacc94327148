"""The wiring of etl: what it connects to, and which parts it is made of.

listener hears of released batches, and which sources are this replica's (share) -> applier applies them, each source
in its order -> curator writes the documents
that fell due; replayer does batches again where somebody asks for it; guard frees what a replica holds that stands
still; three relays tell what each database committed.
The control plane runs the same each night, so that nothing is missed.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from okr_common import topics
from okr_common.clock import Clock, utc_now
from okr_common.control_plane import ControlPlane
from okr_common.delivery.guard import Guard
from okr_common.kafka.admin import identities
from okr_common.kafka.consumer import Feed
from okr_common.kafka.producer import Producer
from okr_common.service import Parts
from okr_common.sources import SourcesFolder
from okr_common.topology import STAGES
from okr_etl import replay_routes, rest, warning_routes
from okr_etl.absences import Absences
from okr_etl.applier import Applier
from okr_etl.curator import Curator
from okr_etl.decider import Decider
from okr_etl.listener import Listener
from okr_etl.mappings import Mappings
from okr_etl.replayer import Replayer
from okr_etl.settings import Settings
from okr_etl.share import Share
from okr_etl.steps import EtlSteps
from okr_etl.stores import Stores, connect

STAGE = STAGES["etl"]
HEARD = topics.INGESTION_EVENTS.name


async def build(stack: AsyncExitStack, settings: Settings, clock: Clock | None = None) -> Parts:
    """Connects and wires. `clock` is the schedule's, and that by which key results come due."""
    kafka, mine = settings.kafka.bootstrap, settings.etl
    stores = await connect(stack, settings.postgres, Producer(kafka, STAGE.module))
    mappings = Mappings(SourcesFolder(settings.sources.folder), mine.person_key)
    told = stores.relays.processed.wake
    decider = Decider(stores.due, Absences(stores.raw, stores.absent, mappings.key), mappings, clock or utc_now)
    share = Share(topics.INGESTION_EVENTS)
    applier = Applier(
        stores.raw,
        stores.processed,
        mappings,
        stores.items,
        decider,
        holds=share.holds,
        applied=told,
        sweep_seconds=mine.sweep_seconds,
    )
    replayer = Replayer(
        stores.raw,
        stores.processed,
        stores.replays,
        mappings,
        decider,
        holds=share.holds,
        told=told,
        every_seconds=mine.sweep_seconds,
    )
    share.wakes(applier.take_over, replayer.wake)
    curator = Curator(
        stores.documents,
        sources=lambda: applier.sources,
        busy=lambda: applier.busy,
        every_seconds=mine.curate_seconds,
        limit=mine.documents,
        written=stores.relays.curated.wake,
    )
    _, topic_ids = await asyncio.to_thread(identities, kafka, [HEARD])
    feed = Feed(kafka, STAGE.group, [HEARD], gained=share.gained, revoked=share.lost)
    listener = Listener(feed, stores.processed, topic_ids[HEARD], wake=applier.wake, told=told)
    patience = timedelta(seconds=mine.sweep_patience_seconds)
    steps = EtlSteps(stores, mappings, kafka, patience, timedelta(days=mine.reconcile_days), applier.look).as_steps()
    control = ControlPlane(STAGE, settings, stores.ops, stores.relays.ops, steps, clock=clock)
    parts = _parts(stores, applier, curator, listener, control)
    asked = rest.router(stores.quality, stores.raw, stores.documents, stores.processed.waits, mappings)
    replays = replay_routes.router(stores.replays, (stores.raw, stores.processed), replayer.wake)
    warned = warning_routes.router(stores.quality, stores.processed, mappings)
    return replace(
        parts,
        workers={**parts.workers, "replay": replayer.run, "guard": Guard(stores.guarded).run},
        routers=[*parts.routers, asked, rest.previews(mappings), replays, warned],
        status=lambda: {"partitions": sorted(share.partitions), **parts.status()},
    )


def _parts(stores: Stores, applier: Applier, curator: Curator, listener: Listener, control: ControlPlane) -> Parts:
    relays = stores.relays

    def waiting() -> dict[str, Any]:
        return {source: asdict(why) for source, why in applier.waiting.items()}

    return Parts(
        workers={"listen": listener.run, "apply": applier.run, "curate": curator.run, **control.workers},
        carriers={
            "relay": relays.processed.run,
            "relay_curated": relays.curated.run,
            "relay_ops": relays.ops.run,
        },
        routers=[control.router],
        live={"feed": listener.feed.trouble, **control.live},
        ready=control.ready,
        status=lambda: {"heads": applier.heads, "waiting": waiting(), "documents_written": curator.documents},
    )
