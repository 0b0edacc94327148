"""The relay carries the outbox to Kafka: one at a time per service, under an expiring lease numbered by epochs.

A crash between the broker's acknowledgement and the mark sends at most one window again, under the same ids.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg
import orjson

from okr_common import crash, metrics
from okr_common.delivery.outbox import SQL, Outgoing
from okr_common.errors import FatalError, FencedError
from okr_common.kafka.dead_letters import fitting
from okr_common.kafka.producer import Producer
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.topology import Stage

log = logger(__name__)
LEASE = timedelta(seconds=10)
POLL_SECONDS = 1.0
WINDOW = 5_000
KEPT = timedelta(days=1)
"""How long a sent row stays findable."""


class Page(NamedTuple):
    """Records of a unit in their order, and the place of the last one. Without any the unit is at its end."""

    place: int = 0
    records: Sequence[Outgoing] = ()


ReadUnit = Callable[[dict[str, Any], int, int], Awaitable[Page]]
"""Reads a unit's records after a place, at most so many."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An outbox row that is not yet sent."""

    id: int
    outgoing: Outgoing
    place: int


def wave(rows: Sequence[Waiting]) -> list[Waiting]:
    """The rows that may go out together: of each order key the first, and those after it for the same partition.

    A unit goes alone within its key. The rest waits until these are acknowledged.
    """
    heads: dict[str, Waiting] = {}
    blocked: set[str] = set()
    chosen: list[Waiting] = []
    for row in rows:
        key = row.outgoing.order_key
        head = heads.setdefault(key, row)
        if key in blocked:
            continue
        if row is head or _same_lane(head.outgoing, row.outgoing):
            chosen.append(row)
        else:
            blocked.add(key)
    return chosen


def _same_lane(head: Outgoing, row: Outgoing) -> bool:
    return head.unit is None and row.unit is None and (head.topic, head.partition_key) == (row.topic, row.partition_key)


class Relay:
    """Publishes what the service put into the outbox of one database."""

    def __init__(self, pool: asyncpg.Pool, producer: Producer, stage: Stage, read_unit: ReadUnit | None = None) -> None:
        self._pool = pool
        self._producer = producer
        self._stage = stage
        self._service = stage.service
        self._read_unit = read_unit
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._epoch = 0
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed: look now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until `stop`, then once more what is there, and gives the lease back."""
        swept = 0
        while not stop.is_set():
            swept += 1
            await until_done("relay", self._turn, stop)
            if swept % 600 == 1:
                await until_done("forget_sent", self._forget, stop)
            await self._rest(stop)
        await self._turn()
        await self._pool.execute(SQL["release_lease"], self._service, self._holder)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until it is woken, asked to stop, or a second has passed."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._woken, stop)]
        await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _forget(self) -> None:
        await self._pool.execute(SQL["forget_sent"], self._service, KEPT)

    async def _turn(self) -> None:
        self._woken.clear()
        try:
            while await self._lease():
                rows = [_waiting(row) for row in await self._pool.fetch(SQL["unsent"], self._service, WINDOW)]
                metrics.OUTBOX_UNSENT.set(len(rows))
                if not rows:
                    return
                await self._send(wave(rows))
        except FencedError as error:
            log.warning("relay_lost_lease", error=str(error))

    async def _lease(self) -> bool:
        epoch = await self._pool.fetchval(SQL["lease"], self._service, self._holder, LEASE)
        self._epoch = epoch or 0
        return epoch is not None

    async def _send(self, rows: Sequence[Waiting]) -> None:
        plain = [row for row in rows if row.outgoing.unit is None]
        if plain:
            await self._producer.publish([fitting(row.outgoing, self._stage) for row in plain])
            crash.point("between_acknowledgement_and_mark")
            await self._mark([row.id for row in plain])
        for row in rows:
            if row.outgoing.unit is not None:
                await self._send_unit(row, row.outgoing.unit)

    async def _send_unit(self, row: Waiting, unit: dict[str, Any]) -> None:
        if self._read_unit is None:
            raise FatalError(f"outbox row {row.id} of {self._service} is a unit, and this relay has no reader of units")
        place = row.place
        while (page := await self._read_unit(unit, place, WINDOW)).records:
            await self._producer.publish(page.records)
            place = page.place
            crash.point("between_acknowledgement_and_mark")
            if not await self._lease():
                raise FencedError(f"another relay of {self._service} took the lease while unit {unit} was sent")
            self._check(await self._pool.execute(SQL["mark_place"], row.id, place, self._service, self._epoch))
        await self._mark([row.id])

    async def _mark(self, ids: list[int]) -> None:
        self._check(await self._pool.execute(SQL["mark_sent"], ids, self._service, self._epoch))

    def _check(self, tag: str) -> None:
        if tag == "UPDATE 0":
            raise FencedError(f"the lease of {self._service} has a newer epoch than {self._epoch}")


def _waiting(row: asyncpg.Record) -> Waiting:
    outgoing = Outgoing(
        order_key=row["order_key"],
        topic=row["topic"],
        partition_key=row["partition_key"],
        message_key=row["message_key"],
        value=row["value"],
        headers=orjson.loads(row["headers"]),
        unit=None if row["unit"] is None else orjson.loads(row["unit"]),
    )
    return Waiting(row["id"], outgoing, row["place"])
