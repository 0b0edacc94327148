"""Kafka away for 20 s, PostgreSQL killed and restarted, in the middle of a load: everything resumes by itself."""

import asyncio
import os
import signal

import pytest

from okr_cli.testing import Flow, Published

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(240)]
SERVICES = ("ingest-csv", "etl", "trainer")
HALF_WAY = "select count(*) >= 2000 from prediction"
OUTAGE_SECONDS = 20


async def test_kafka_stands_still_for_20_seconds(flow: Flow, published: Published) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("first.csv", published.encoded(published.rows[:6000]))
        await flow.until("ops", HALF_WAY, wanted=True)
        kafka = pid_of(flow, "kafka")
        os.kill(kafka, signal.SIGSTOP)
        flow.drop("second.csv", published.encoded(published.rows[6000:]))
        await asyncio.sleep(OUTAGE_SECONDS)
        os.kill(kafka, signal.SIGCONT)
        await flow.predicted(len(published.rows), within_seconds=150)
    assert await flow.wrong() == []


@pytest.mark.parametrize("part", ["postgres", "kafka"])
async def test_a_server_is_killed_and_started_again(flow: Flow, published: Published, part: str) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("first.csv", published.encoded(published.rows[:6000]))
        await flow.until("ops", HALF_WAY, wanted=True)
        os.kill(pid_of(flow, part), signal.SIGKILL)
        flow.drop("second.csv", published.encoded(published.rows[6000:]))
        await flow.predicted(len(published.rows), within_seconds=150)
    assert await flow.wrong() == []


def pid_of(flow: Flow, part: str) -> int:
    pid = flow.stack.part(part).pid
    assert pid is not None
    return pid
