"""The trainer on one core, Kafka and PostgreSQL on the other, and a history that etl made of the MTA file."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import cores
import workload
from asking import Asking
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from okr_common import paths
from okr_common.kafka.reader import Read, read_all
from okr_common.topics import PROCESSED_RECORDS
from okr_stack.solo import SoloService
from okr_stack.stack import Stack

MODEL = "mta_nyct"
PARTITION = PROCESSED_RECORDS.partition_of(MODEL)
OPEN = next(name for name in (f"open_{n}" for n in count()) if PROCESSED_RECORDS.partition_of(name) == PARTITION)
"""A source of the same model, without outcomes."""
KEY = "only-for-this-benchmark"
UUID = re.compile(rb'"([0-9a-f])(?=[0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")')
NEXT_OFFSET = (
    "select coalesce(max(next_offset), 0) from delivery.consumer_offset "
    f"where topic = '{PROCESSED_RECORDS.name}' and partition = {PARTITION}"
)
PUBLISHED = "select not exists (select from delivery.outbox where sent_at is null)"
LOOK_EVERY_SECONDS = 0.02


class Scene:
    """Starts and stops services, and waits for what the trainer has committed."""

    def __init__(self, folder: Path, stack: Stack, pipeline: str) -> None:
        self.stack, self.pipeline = stack, pipeline
        self.asking = Asking(stack)
        self.ask, self.until = self.asking.ask, self.asking.until
        self.inbox, self._sources = folder / "inbox", folder / "sources"
        for each in (self.inbox, self._sources):
            each.mkdir()
        shipped = paths.repository() / "configs" / "sources" / f"{MODEL}.yaml"
        (self._sources / shipped.name).write_text(shipped.read_text())

    @contextmanager
    def service(
        self, name: str, *on: int, ready: bool = True, challengers: Sequence[str] = ()
    ) -> Iterator[SoloService]:
        """The service, running on these cores; without `ready` as soon as it was started."""
        env = {
            "OKR_INGEST_CSV__FOLDERS": json.dumps([str(self.inbox)]),
            "OKR_SOURCES__FOLDER": str(self._sources),
            "OKR_TRAINER__MODELS": json.dumps({MODEL: [MODEL, OPEN]}),
            "OKR_TRAINER__PIPELINE": self.pipeline,
            "OKR_TRAINER__CHALLENGERS": json.dumps(list(challengers)),
            "OKR_REST__API_KEY": KEY,
        }
        process = SoloService(name, self.stack.state, self.stack.addresses, env)
        try:
            with cores.on(*on):
                process.start()
            if ready:
                process.until_ready()
            yield process
        finally:
            process.stop()

    @contextmanager
    def trainer(self, *, ready: bool = True, challengers: Sequence[str] = ()) -> Iterator[SoloService]:
        """The trainer, on its core."""
        with self.service("trainer", cores.SERVICE, ready=ready, challengers=challengers) as process:
            yield process

    async def load(self, name: str, rows: Sequence[Sequence[str]]) -> None:
        """These rows of the MTA file, until their records stand on the topic."""
        both = cores.SERVICE, cores.SERVERS
        with self.service("etl", *both), self.service("ingest-csv", *both):
            before = await self.ask("raw", "select coalesce(max(position), 0) from batch")
            part = self.inbox / f".{name}"
            part.write_bytes(workload.encoded([workload.sample()[0], *rows]))
            part.rename(self.inbox / name)
            await self.until("raw", f"select coalesce(max(position), 0) > {before} from batch")
            last = await self.ask("raw", "select max(position) from batch")
            await self.until("processed", f"select coalesce(max(position), 0) = {last} from batch_result")
            await self.until("processed", PUBLISHED)

    async def heard(self) -> None:
        """Until the trainer has committed, and published, all that stands on the topic."""
        await self.until("ops", NEXT_OFFSET.replace(", 0)", f", 0) >= {self.end()}"))
        await self.until("ops", PUBLISHED)

    async def timed(self) -> float:
        """The same; seconds from where it began to commit, which is not when it started."""
        start = await self.ask("ops", NEXT_OFFSET)
        end = self.end()
        began = time.monotonic()
        while (reached := await self.ask("ops", NEXT_OFFSET)) < end:
            if reached == start:
                began = time.monotonic()
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        await self.until("ops", PUBLISHED)
        return time.monotonic() - began

    def end(self) -> int:
        """Where the topic's partition ends now."""
        place = TopicPartition(PROCESSED_RECORDS.name, PARTITION)
        admin = AdminClient({"bootstrap.servers": self.stack.addresses.bootstrap})
        return int(admin.list_offsets({place: OffsetSpec.latest()})[place].result().offset)

    def records(self) -> list[Read]:
        """All records so far."""
        return [*read_all(self.stack.addresses.bootstrap, [PROCESSED_RECORDS.name])]

    def produce(self, records: Sequence[Read]) -> None:
        """The same of the other source and of other key results, as if etl had sent them."""
        producer = Producer(
            {"bootstrap.servers": self.stack.addresses.bootstrap, "queue.buffering.max.kbytes": 2_097_151}
        )
        for one in records:
            value = UUID.sub(lambda found: b'"' + b"%x" % ((int(found[1], 16) + 1) % 16), one.value or b"")
            value = value.replace(f'"source":"{MODEL}"'.encode(), f'"source":"{OPEN}"'.encode())
            headers: list[tuple[str, Any]] = list(one.headers.items())
            producer.produce(PROCESSED_RECORDS.name, value, one.key, partition=PARTITION, headers=headers)
            producer.poll(0)
        producer.flush()
