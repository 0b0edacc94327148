"""Wiring: the stream's owner, the listener that asks for trainings, the daily runs, the relay, REST."""

import sys
from contextlib import AsyncExitStack

from okr_common.clock import Clock, utc_now
from okr_common.control_plane import ControlPlane
from okr_common.delivery.relay import Relay
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.service import Parts
from okr_common.topology import STAGES
from okr_trainer import registry_api
from okr_trainer.ageing import Ageing
from okr_trainer.api import question, router
from okr_trainer.asking import Asking
from okr_trainer.beside import Beside
from okr_trainer.fresh import Fresh
from okr_trainer.grounds import Grounds
from okr_trainer.ownership import Ownership
from okr_trainer.progress import Progress
from okr_trainer.reads import Reads
from okr_trainer.settings import Settings
from okr_trainer.steps import TrainerSteps
from okr_trainer.stream import Owner
from okr_trainer.trailing import Trailing
from okr_trainer.trainings import Trainings
from okr_trainer.triggers import Triggers
from okr_trainer.units import reader

STAGE = STAGES["trainer"]
TURN_SECONDS = 0.0005
"""A question is answered in a dozen short turns; behind a batch in its thread each would wait Python's usual 5 ms."""


async def build(stack: AsyncExitStack, settings: Settings, clock: Clock | None = None) -> Parts:
    """Connects and wires. `clock` is the schedule's, and says what day it is."""
    sys.setswitchinterval(TURN_SECONDS)
    kafka, cut_points = settings.kafka.bootstrap, settings.trainer.cut_points
    ops = await stack.enter_async_context(await open_pool(settings.postgres.ops, STAGE.module))
    raw = await stack.enter_async_context(await open_pool(settings.postgres.raw, STAGE.module))
    processed = await stack.enter_async_context(await open_pool(settings.postgres.processed, STAGE.module))
    questions = await stack.enter_async_context(await open_pool(settings.postgres.ops, STAGE.module, short_reads=True))
    fresh = Fresh()
    relay = Relay(ops, Producer(kafka, STAGE.module), STAGE, reader(ops, STAGE, fresh))
    ownership = Ownership(STAGE, kafka, settings.postgres.ops)
    trainings = Trainings(STAGE, settings.trainer, settings.postgres.ops, raw, processed)
    ageing = Ageing(STAGE, processed, clock or utc_now)
    owner = Owner(STAGE, settings, ownership, trainings, ageing=ageing, fresh=fresh, wake=relay.wake)
    triggers = await Triggers.on(STAGE, settings, ops)
    steps = TrainerSteps(Progress(ops, processed, cut_points)).as_steps()
    reads = Reads(ops, processed, settings.trainer, clock or utc_now)
    grounds = Grounds(questions, processed, cut_points, clock or utc_now)
    beside = Beside()
    shadow = {"challengers": beside.run, "trailing": Trailing(ops).run} if settings.trainer.has_challengers else {}
    control = ControlPlane(STAGE, settings, ops, relay, steps, clock=clock)
    return Parts(
        workers={"stream": owner.run, "triggers": triggers.run, **shadow, **control.workers},
        carriers={"relay": relay.run},
        routers=[
            question(grounds),
            registry_api.router(reads, Asking(ops, owner.look), settings.rest.api_key),
            router(reads, grounds),
            control.router,
        ],
        live={"stream": owner.feed.trouble, "triggers": triggers.feed.trouble, **control.live},
        ready=control.ready,
        status=lambda: {**owner.status(), **(beside.status() if shadow else {})},
    )
