"""What `okr status` knows."""

import os
import signal
from collections.abc import Mapping

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from okr_common.topics import RUN_REQUESTS
from okr_common.topology import STAGES
from okr_stack.report import PartReport, report
from okr_stack.testing import StackUnderTest

pytestmark = pytest.mark.stack
BEHIND = 3


async def reports(stack: StackUnderTest) -> dict[str, PartReport]:
    return {part.name: part for part in await report(stack.stack)}


async def test_a_well_stack_says_so(fresh_stack: StackUnderTest, stand_in: Mapping[str, str]) -> None:
    _fall_behind(fresh_stack.bootstrap, STAGES["monitor"].group)
    with fresh_stack.supervised(["monitor"], stand_in):
        parts = await reports(fresh_stack)
    assert parts.keys() == {"kafka", "postgres", "monitor"}
    assert all(part.is_well and part.rss_bytes > 5_000_000 for part in parts.values())
    assert parts["monitor"].lag == BEHIND
    assert parts["kafka"].lag is None


async def test_a_part_that_runs_but_does_not_answer_is_not_well(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    with fresh_stack.supervised(["monitor"], stand_in):
        pid = fresh_stack.part("monitor").pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        parts = await reports(fresh_stack)
        os.kill(pid, signal.SIGCONT)
    assert parts["monitor"].health == "does not answer"
    assert not parts["monitor"].is_well
    assert parts["postgres"].is_well


async def test_a_service_says_itself_why_it_is_not_ready(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    with fresh_stack.supervised(["monitor"], {**stand_in, "STAND_IN": "is ready once"}):
        parts = await reports(fresh_stack)
    assert parts["monitor"].health == "database: away"


def _fall_behind(bootstrap: str, group: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for _ in range(BEHIND):
        producer.produce(RUN_REQUESTS.name, b"{}", partition=0)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(RUN_REQUESTS.name, 0, 0)], asynchronous=False)
    consumer.close()
