"""The wiring of ingest-csv.

watch and sweep see complete files -> intake claims them, one after another -> loader stores their batches and releases
those whose turn it is -> relay announces what was committed. The control plane runs the same every two hours, so that
nothing is missed.
"""

from contextlib import AsyncExitStack

from okr_common.clock import Clock
from okr_common.control_plane import ControlPlane
from okr_common.delivery.guard import Guard
from okr_common.delivery.relay import Relay
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.service import Parts
from okr_common.sources import SourcesFolder
from okr_common.topology import STAGES
from okr_ingest_csv import sampling
from okr_ingest_csv.archive import Archive
from okr_ingest_csv.domain.verdict import Limits
from okr_ingest_csv.intake import Intake
from okr_ingest_csv.keeper import Keeper
from okr_ingest_csv.loader import Loader
from okr_ingest_csv.pressure import Pressure
from okr_ingest_csv.releasing import Releasing
from okr_ingest_csv.rest import router
from okr_ingest_csv.settings import Settings
from okr_ingest_csv.steps import CsvSteps
from okr_ingest_csv.store import Quarantine, Store
from okr_ingest_csv.sweep import Sweeper
from okr_ingest_csv.upload_route import router as uploads_router
from okr_ingest_csv.uploads import Uploads
from okr_ingest_csv.watch import Watch

STAGE = STAGES["ingest-csv"]
CONNECTIONS_BESIDE_LANES = 6
"""The intake, the relay, the sweep, the guard, and some for REST."""


async def build(settings: Settings, stack: AsyncExitStack, clock: Clock | None = None) -> Parts:
    """Connects, and puts the parts together. `clock` is the schedule's."""
    mine = settings.ingest_csv
    pool = await open_pool(settings.postgres.raw, STAGE.service, size=mine.parallel_sources + CONNECTIONS_BESIDE_LANES)
    stack.push_async_callback(pool.close)
    ops = await open_pool(settings.postgres.ops, STAGE.service)
    stack.push_async_callback(ops.close)
    producer = Producer(settings.kafka.bootstrap, STAGE.service)
    relay, relay_ops = Relay(pool, producer, STAGE), Relay(ops, producer, STAGE)
    store = Store(pool, STAGE, relay.wake)
    sources = SourcesFolder(settings.sources.folder)
    pressure = Pressure((mine.upload_folder.absolute(), *mine.disks), mine.min_free_bytes)
    keeper = Keeper(sources, mine.max_rows, mine.slow_seconds)

    def look_again() -> None:
        intake.forget_all()
        sweeper.wake()

    loader = Loader(store, keeper, pressure, mine, look_again)
    limits = Limits(mine.max_file_bytes, mine.max_header_bytes, mine.max_columns)
    intake = Intake(store, sources, limits, loader.wake)
    uploads = Uploads(pool, intake, sources, mine)
    sweeper = Sweeper(store, intake, mine)
    watch = Watch(intake, mine, sweeper.wake)
    steps = CsvSteps(STAGE, sweeper, loader, store).as_steps()
    control = ControlPlane(STAGE, settings, ops, relay_ops, steps, clock=clock)
    release = Releasing(Quarantine(store), sources, loader.wake).release
    await uploads.tidy()
    watch.begin()  # before the first sweep: between the two nothing can slip through
    return Parts(
        workers={
            "watch": watch.run,
            "sweep": sweeper.run,
            "intake": intake.run,
            "loader": loader.run,
            "guard": Guard(pool).run,
            "archive": Archive(pool, mine, intake.forget).run,
            **control.workers,
        },
        carriers={"relay": relay.run, "relay_ops": relay_ops.run},
        routers=[
            router(pool, sweeper, release),
            uploads_router(uploads, mine),
            sampling.router(sources, limits),
            control.router,
        ],
        live=control.live,
        ready=control.ready,
        status=lambda: {
            "folders": [str(folder.path) for folder in mine.watched],
            "max_upload_bytes": mine.max_upload_bytes,
            "offered": intake.waiting,
            "loading": loader.loading,
            "paused": pressure.reason or keeper.slow,
            "last_sweep": sweeper.last,
        },
    )
