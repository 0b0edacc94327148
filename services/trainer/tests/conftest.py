"""Fixtures of the trainer's tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest
import pytest_asyncio

from okr_common import codec
from okr_common.delivery.outbox import Outgoing, announce
from okr_common.events import BatchPublished
from okr_common.kafka.producer import Producer
from okr_common.kafka.reader import Read, read_all
from okr_common.records import ProcessedRecord
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import STAGES
from okr_stack.solo import SoloService
from okr_stack.testing import StackUnderTest
from okr_trainer.domain.inputs import Input
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, PaceRule
from okr_trainer.domain.risk import CutPoints
from okr_trainer.testing import Company, history, record

NewLearner = Callable[..., Learner]
CLOCK = (
    "insert into mapping_version values ($1, 1, 'm', json_build_object('clock', $2::text)) on conflict do nothing",
    "insert into batch_result values ($1, 1, 1, 1, 'm', 0, 0, 0, 0, 0, 0, 0, 0, 0) on conflict do nothing",
    "insert into source_head (source, clock) values ($1, $2) on conflict (source) do update set clock = $2",
)
VERSION = """
insert into entity_version (source, position, seq, generation, entity, entity_id, revision, knowledge_time, batch_id,
                            row_num, payload, closed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def past() -> Company:
    return history()


@pytest.fixture
def new_learner() -> NewLearner:
    """Makes learners of the stream; version 0 is the pace rule."""

    def make(version: int = 1) -> Learner:
        predictor = LearnedModel.new(version, 1, "linear") if version else PaceRule()
        return Learner("acme", predictor, CutPoints())

    return make


class Scene:
    """Kafka, PostgreSQL and a trainer; the test plays etl."""

    def __init__(self, stack: StackUnderTest, ops: asyncpg.Connection, processed: asyncpg.Connection) -> None:
        self.stack, self.ops, self.processed = stack, ops, processed
        self._producer = Producer(stack.bootstrap, "test-etl")

    async def publish(self, inputs: Sequence[Input], *, told: bool = True) -> None:
        """One batch: entity versions, records, and (where it is told) the event that all of them stand there."""
        said = [record(one) for one in inputs]
        await self.processed.executemany(VERSION, [_row(one) for one in said])
        await self.send([_outgoing(one.source, codec.to_json(one)) for one in said])
        if told:
            await self.tell(said)

    async def clock(self, kind: str, newest: date, source: str = "acme") -> None:
        """etl says which clock the source has, and the newest day it has shown."""
        for statement, arguments in zip(CLOCK, ((source, kind), (source,), (source, midnight(newest))), strict=True):
            await self.processed.execute(statement, *arguments)

    async def tell(self, said: Sequence[ProcessedRecord]) -> None:
        """The event that ends a batch."""
        outcomes = await self.processed.fetchval("select count(*) from entity_version where entity = 'outcome'")
        last = said[-1]
        event = BatchPublished(
            source=last.source,
            batch_id=last.position,
            position=last.position,
            generation=1,
            versions=len(said),
            behind=0,
            outcomes=outcomes,
        )
        await self.send([announce(event, STAGES["etl"])])

    async def send(self, messages: Sequence[Outgoing]) -> None:
        await self._producer.publish(messages)

    async def until(self, query: str, wanted: object, within_seconds: float = 30) -> None:
        deadline = time.monotonic() + within_seconds
        while (found := await self.ops.fetchval(query)) != wanted:
            if time.monotonic() > deadline:
                pytest.fail(f"{query} gave {found!r}, not {wanted!r}")
            await asyncio.sleep(0.05)

    async def settled(self, predictions: int) -> None:
        """So many stream predictions are committed, and everything that was to be said is said."""
        await self.until("select count(*) from prediction where kind in ('live', 'late')", predictions)
        await self.until("select count(*) from delivery.outbox where sent_at is null", 0)

    def published(self, topic: str) -> list[dict[str, Any]]:
        return [orjson.loads(message.value or b"") for message in self.read(topic)]

    def read(self, topic: str) -> list[Read]:
        return list(read_all(self.stack.bootstrap, [topic]))

    async def get(self, service: SoloService, path: str, **parameters: Any) -> Any:  # noqa: ANN401
        async with httpx2.AsyncClient() as client:
            return (await client.get(service.url + path, params=parameters)).json()

    async def post(self, service: SoloService, path: str, question: dict[str, Any]) -> Any:  # noqa: ANN401
        async with httpx2.AsyncClient() as client:
            return (await client.post(service.url + path, json=question)).json()


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _outgoing(source: str, value: bytes) -> Outgoing:
    return Outgoing(source, PROCESSED_RECORDS.name, source, b"key", value)


def _row(one: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return (
        *(one.source, one.position, one.seq, one.generation, one.entity, one.entity_id, one.revision),
        *(one.knowledge_time, one.batch_id, one.row_num, orjson.dumps(one.payload).decode(), one.closed),
    )


@pytest_asyncio.fixture
async def scene(fresh_stack: StackUnderTest) -> AsyncIterator[Scene]:
    ops = await asyncpg.connect(fresh_stack.admin_dsn("okr_ops"))
    processed = await asyncpg.connect(fresh_stack.admin_dsn("okr_processed"))
    made = Scene(fresh_stack, ops, processed)
    yield made
    del made._producer  # it would go on looking for a broker that is gone
    await ops.close()
    await processed.close()
