"""Which partitions this process owns, and the one connection that writes for them.

A new owner fences the former one, then raises the epoch of the offset (design §5.4, §5.5). After any failure the
connection is given up: whether its last transaction was committed is then read from the offset.
"""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from functools import partial

from okr_common import metrics
from okr_common.delivery import fence, offsets
from okr_common.delivery.offsets import Held
from okr_common.kafka.admin import identities, offset_ranges
from okr_common.kafka.consumer import Partition
from okr_common.logs import logger
from okr_common.postgres.pool import until_done
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import Stage
from okr_trainer.store import Owning, connect, training_fence

log = logger(__name__)
TOPIC = PROCESSED_RECORDS.name


class Ownership:
    """Use it under `lock`: a takeover may come in while a batch is worked on."""

    def __init__(self, stage: Stage, bootstrap: str, dsn: str) -> None:
        self._stage = stage
        self._bootstrap = bootstrap
        self._dsn = dsn
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._wanted: set[int] = set()
        self._connection: Owning | None = None
        self._cluster_id = ""
        self._kept: Mapping[int, tuple[int, int]] = {}
        self._stop = asyncio.Event()
        self.topic_id = ""
        self.lock = asyncio.Lock()
        self.held: dict[int, Held] = {}

    async def assigned(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Takes these partitions over; says where each starts."""
        async with self.lock:
            self._wanted |= {partition for _, partition in partitions}
            await until_done("take_over", self._identify, self._stop)
            await until_done("take_over", partial(self._within, partitions), self._stop)
            return {(TOPIC, partition): self.held[partition].next_offset for _, partition in partitions}

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Gives these partitions up."""
        async with self.lock:
            for _, partition in partitions:
                self._wanted.discard(partition)
                self.held.pop(partition, None)

    async def connection(self) -> Owning:
        """The connection, with every wanted partition held under it."""
        if self._connection is None or self._connection.is_closed():
            self.held.clear()
            self._connection = await connect(self._dsn, self._stage.module)
        for partition in sorted(self._wanted - self.held.keys()):
            self.held[partition] = await self._take(self._connection, partition)
        return self._connection

    def give_up(self) -> None:
        """After a failure: the next connection starts from what was committed."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
        self.held.clear()

    async def close(self) -> None:
        """No takeover waits any longer, nothing is held."""
        self._stop.set()
        if self._connection is not None:
            await self._connection.close(timeout=5)
        self._connection = None

    async def _identify(self) -> None:
        self._cluster_id, topics = await asyncio.to_thread(identities, self._bootstrap, [TOPIC])
        self.topic_id = topics[TOPIC]
        self._kept = await asyncio.to_thread(offset_ranges, self._bootstrap, PROCESSED_RECORDS)

    async def _within(self, partitions: Sequence[Partition]) -> None:
        """Where a committed offset lies outside what the topic holds, it is read from its beginning."""
        connection = await self.connection()
        for _, partition in partitions:
            held, (first, end) = self.held[partition], self._kept[partition]
            if not first <= held.next_offset <= end:
                log.error(
                    "offset_out_of_range",
                    partition=partition,
                    committed=held.next_offset,
                    first=first,
                    end=end,
                    todo="records may be lost: `okr verify` tells, `okr runs start trainer` counts",
                )
                metrics.OFFSETS_OUT_OF_RANGE.labels(TOPIC).inc()
                self.held[partition] = await offsets.commit(connection, held, first)

    async def _take(self, connection: Owning, partition: int) -> Held:
        await fence.take(connection, f"{self._stage.service}/{TOPIC}/{partition}", self._holder)
        await fence.end(connection, training_fence(self._stage, partition))
        held = await offsets.acquire(
            connection, self._stage.group, TOPIC, partition, topic_id=self.topic_id, cluster_id=self._cluster_id
        )
        log.info("partition_taken_over", partition=partition, epoch=held.epoch, next_offset=held.next_offset)
        return held
