"""The wiring of the monitor.

watch looks every few seconds; the control plane runs the steps, which report, and hands listener what the event topics
carry. Each may change the page, which broadcast renders for all who look; alerts of watch and steps go out by relay.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from okr_common.clock import Clock, utc_now
from okr_common.control_plane import ControlPlane
from okr_common.delivery.relay import Relay
from okr_common.kafka.producer import Producer
from okr_common.postgres.pool import open_pool
from okr_common.service import Parts
from okr_common.topology import STAGES
from okr_monitor import rest
from okr_monitor.domain.live_view import LiveView
from okr_monitor.listener import Listener
from okr_monitor.probes import Probes
from okr_monitor.settings import Settings
from okr_monitor.steps import MonitorSteps
from okr_monitor.store.alerts import Alerts
from okr_monitor.store.databases import Databases
from okr_monitor.store.letters import Letters
from okr_monitor.store.models import Models
from okr_monitor.store.quality import Quality
from okr_monitor.store.reports import Reports
from okr_monitor.watch import Watch
from okr_monitor.web import routes
from okr_monitor.web.board import Boards
from okr_monitor.web.broadcast import Broadcast
from okr_monitor.web.page import Pages, assets

STAGE = STAGES["monitor"]


@dataclass(frozen=True)
class Monitor:
    """The connected parts."""

    settings: Settings
    steps: MonitorSteps
    watch: Watch
    control: ControlPlane
    relay: Relay
    reports: Reports
    alerts: Alerts
    boards: Boards
    changed: asyncio.Event


async def connect(stack: AsyncExitStack, settings: Settings, clock: Clock = utc_now) -> Monitor:
    """Opens the databases and puts the parts together."""
    mine, kafka = settings.monitor, settings.kafka.bootstrap
    dsns = {name: getattr(settings.postgres, name) for name in STAGE.databases}
    pools = {name: await stack.enter_async_context(await open_pool(dsn, STAGE.module)) for name, dsn in dsns.items()}
    ops, changed, view = pools["ops"], asyncio.Event(), LiveView()
    relay = Relay(ops, Producer(kafka, STAGE.module), STAGE)
    reports, alerts, models = Reports(ops), Alerts(ops, relay.wake), Models(ops, pools["processed"])
    quality = Quality(pools["raw"], pools["processed"], pools["curated"])
    probes = Probes(mine, kafka, Databases(pools, mine.probe_timeout_seconds), clock)
    watch = Watch(probes, reports, alerts, mine, clock=clock, changed=changed.set)
    steps = MonitorSteps(
        models=models,
        quality=quality,
        reports=reports,
        alerts=alerts,
        watch=watch,
        settings=mine,
        clock=clock,
        written=relay.wake,
    )
    listener = Listener(kafka, view, Letters(ops), changed=changed.set, told=relay.wake)
    control = ControlPlane(STAGE, settings, ops, relay, steps.by_name, follow=listener.follow)
    boards = Boards(watch, view, alerts, reports, models, clock=clock)
    return Monitor(settings, steps, watch, control, relay, reports, alerts, boards, changed)


async def build(stack: AsyncExitStack, settings: Settings) -> Parts:
    """The monitor as a service."""
    monitor = await connect(stack, settings)
    static = assets()
    pages = Pages(static)

    async def render() -> str:
        return pages.board(await monitor.boards.now())

    broadcast = Broadcast(monitor.changed, render)
    page = routes.router(monitor.boards, pages, broadcast, static)
    return Parts(
        workers={"watch": monitor.watch.run, "page": broadcast.run, **monitor.control.workers},
        carriers={"relay": monitor.relay.run},
        routers=[monitor.control.router, rest.router(monitor.reports, monitor.alerts), page],
        live={"watch": monitor.watch.trouble, **monitor.control.live},
        ready=monitor.control.ready,
        status=lambda: {"verdict": monitor.watch.health and monitor.watch.health.verdict.value},
    )
