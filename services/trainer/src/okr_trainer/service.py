"""Wiring: the stream's owner, the listener that asks for trainings, the relay, REST."""

from contextlib import AsyncExitStack

from okr_common.delivery.relay import Relay
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.service import Build, Parts
from okr_common.topology import STAGES
from okr_trainer.api import router
from okr_trainer.ownership import Ownership
from okr_trainer.reads import Reads
from okr_trainer.settings import Settings
from okr_trainer.stream import Owner
from okr_trainer.trainings import Trainings
from okr_trainer.triggers import Triggers
from okr_trainer.units import reader

STAGE = STAGES["trainer"]


def builder(settings: Settings) -> Build:
    """Connects and wires the service of these settings."""

    async def build(stack: AsyncExitStack) -> Parts:
        ops = await stack.enter_async_context(await open_pool(settings.postgres.ops, STAGE.module))
        processed = await stack.enter_async_context(await open_pool(settings.postgres.processed, STAGE.module))
        relay = Relay(ops, Producer(settings.kafka.bootstrap, STAGE.module), STAGE, reader(ops, STAGE))
        ownership = Ownership(STAGE, settings.kafka.bootstrap, settings.postgres.ops)
        trainings = Trainings(STAGE, settings.trainer, settings.postgres.ops, processed)
        owner = Owner(STAGE, settings, ownership, trainings, relay.wake)
        triggers = await Triggers.on(STAGE, settings, ops)
        return Parts(
            workers={"stream": owner.run, "triggers": triggers.run},
            carriers={"relay": relay.run},
            routers=[router(Reads(ops, processed, settings.trainer.cut_points))],
            live={"stream": owner.feed.trouble, "triggers": triggers.feed.trouble},
            status=owner.status,
        )

    return build
