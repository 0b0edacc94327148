"""Any part may die at any time."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import asyncpg
import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from okr_common import topics
from okr_stack import processes
from okr_stack.errors import StackError
from okr_stack.services import answers
from okr_stack.status import Life, PartStatus, Phase
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.faults]
TOPIC = topics.RUN_REQUESTS.name


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def kill(stack: StackUnderTest, name: str) -> None:
    """SIGKILL a part, and wait until the supervisor has another one of it ready."""
    killed = stack.part(name)
    assert killed.pid
    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: _is_another(stack.part(name), killed))


def _is_another(now: PartStatus, killed: PartStatus) -> bool:
    return now.life is Life.READY and now.pid != killed.pid


def test_a_killed_broker_comes_back_with_its_records(fresh_stack: StackUnderTest) -> None:
    producer = Producer({"bootstrap.servers": fresh_stack.bootstrap, "acks": "all"})
    producer.produce(TOPIC, b"before", partition=0)
    assert producer.flush(10) == 0
    kill(fresh_stack, "kafka")
    producer.produce(TOPIC, b"after", partition=0)
    assert producer.flush(20) == 0
    assert _values(fresh_stack.bootstrap) == [b"before", b"after"]


def _values(bootstrap: str) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    try:
        return [message.value() for message in consumer.consume(2, timeout=10)]
    finally:
        consumer.close()


async def test_a_killed_postmaster_comes_back_though_a_backend_is_at_work(fresh_stack: StackUnderTest) -> None:
    """The orphaned backend holds the shared memory: a new server cannot start before it is gone."""
    connection = await asyncpg.connect(fresh_stack.dsn("okr_ingest_csv", "raw"))
    await connection.execute("insert into source (name) values ('committed')")
    busy = await asyncpg.connect(fresh_stack.dsn("okr_ingest_csv", "raw"))
    query = busy.fetchval("select count(*) from generate_series(1, 1000000000)")
    with suppress(asyncpg.PostgresError, OSError):
        working = asyncio.create_task(query)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(kill, fresh_stack, "postgres")
        await working
    assert fresh_stack.part("postgres").deaths == 1, "one death, not one for each failed start"
    again = await asyncpg.connect(fresh_stack.dsn("okr_ingest_csv", "raw"))
    assert await again.fetchval("select name from source") == "committed"
    await again.close()


def test_when_the_supervisor_is_killed_nothing_lives_on_and_up_starts_anew(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    with fresh_stack.supervised(["monitor"], stand_in):
        before = fresh_stack.stack.status()
        assert before.supervisor
        os.kill(before.supervisor, signal.SIGKILL)
        until(lambda: fresh_stack.stack.status().phase is Phase.FAILED)
        assert "The supervisor died" in fresh_stack.stack.status().error
        until(lambda: not processes.ours(fresh_stack.stack.state.name))

        fresh_stack.up()
        after = fresh_stack.stack.status()
        assert after.supervisor != before.supervisor
        assert after.all_ready


def test_what_a_killed_supervisor_could_not_end_is_ended_by_the_next(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    """A frozen part ignores the kernel's quit signal."""
    with fresh_stack.supervised(["monitor"], stand_in):
        before = fresh_stack.stack.status()
        frozen = before.parts["monitor"].pid
        assert frozen
        assert before.supervisor
        os.kill(frozen, signal.SIGSTOP)
        os.kill(before.supervisor, signal.SIGKILL)
        fresh_stack.up()
        assert not psutil.pid_exists(frozen) or psutil.Process(frozen).status() == psutil.STATUS_ZOMBIE


def test_a_killed_service_comes_back_on_its_port(fresh_stack: StackUnderTest, stand_in: Mapping[str, str]) -> None:
    with fresh_stack.supervised(["monitor", "monitor-2"], stand_in):
        ports = {name: fresh_stack.part(name).port for name in ("monitor", "monitor-2")}
        assert len(set(ports.values())) == 2
        kill(fresh_stack, "monitor")
        assert fresh_stack.part("monitor").deaths == 1
        assert fresh_stack.part("monitor-2").deaths == 0
        assert {name: fresh_stack.part(name).port for name in ports} == ports
        for port in ports.values():
            assert answers(f"http://127.0.0.1:{port}/readyz")
    assert fresh_stack.stack.status().parts.keys() == {"kafka", "postgres"}


def test_a_part_that_keeps_dying_is_given_up_loudly_and_up_tries_it_again(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    stack = fresh_stack.stack
    with pytest.raises(StackError, match="monitor was given up: it ended with exit code 1; it died 5 times"):
        stack.want({"monitor": {**stand_in, "STAND_IN": "dies"}})
    assert [part.name for part in stack.status().gave_up] == ["monitor"]
    assert "the stand-in was told to die" in fresh_stack.part("monitor").note
    assert fresh_stack.part("kafka").life is Life.READY, "the others go on"
    stack.want({"monitor": stand_in})
    assert stack.status().all_ready
    stack.want({})


def test_while_the_broker_is_away_a_killed_service_waits_and_its_deaths_do_not_count(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    with fresh_stack.supervised(["monitor"], stand_in):
        broker, service = fresh_stack.part("kafka"), fresh_stack.part("monitor")
        assert broker.pid
        assert service.pid
        os.kill(broker.pid, signal.SIGKILL)
        until(lambda: fresh_stack.part("kafka").life is not Life.READY)
        os.kill(service.pid, signal.SIGKILL)
        until(lambda: fresh_stack.part("monitor").life is Life.WAITING)
        assert fresh_stack.part("kafka").life is not Life.READY
        until(lambda: fresh_stack.stack.status().all_ready)
        assert fresh_stack.part("monitor").deaths == 0


def test_a_service_alone_is_killed_and_started_by_the_test(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    with fresh_stack.service("monitor", stand_in) as service:
        first = service.pid
        assert answers(f"{service.url}/readyz")
        service.kill()
        assert service.wait() == -signal.SIGKILL
        assert not service.is_alive
        service.start()
        service.until_ready()
        assert service.pid != first
    assert not service.is_alive


def test_a_service_alone_that_cannot_start_shows_its_last_words(
    fresh_stack: StackUnderTest, stand_in: Mapping[str, str]
) -> None:
    told = {**stand_in, "STAND_IN": "dies"}
    with pytest.raises(StackError, match="the stand-in was told to die"), fresh_stack.service("monitor", told):
        pass
