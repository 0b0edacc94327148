"""The fixtures themselves."""

import asyncpg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from okr_common import topics
from okr_common.kafka.admin import client, identities
from okr_common.topics import TOPICS
from okr_stack.testing import StackUnderTest

pytestmark = pytest.mark.stack


async def test_each_role_reaches_its_databases_and_none_is_the_superuser(fresh_stack: StackUnderTest) -> None:
    connection = await asyncpg.connect(fresh_stack.dsn("okr_etl", "processed"))
    assert await connection.fetchval("select current_user") == "okr_etl"
    assert not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
    await connection.close()


async def test_the_superuser_is_refused_over_tcp(fresh_stack: StackUnderTest) -> None:
    port = fresh_stack.addresses.postgres
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(f"postgresql://okr_admin:x@127.0.0.1:{port}/postgres")


@pytest.mark.parametrize("round_", [1, 2])
async def test_every_test_begins_with_empty_databases_and_topics(fresh_stack: StackUnderTest, round_: int) -> None:
    connection = await asyncpg.connect(fresh_stack.dsn("okr_ingest_csv", "raw"))
    assert await connection.fetchval("select count(*) from source") == 0
    await connection.execute("insert into source (name) values ($1)", f"round {round_}")
    await connection.close()
    assert TOPICS.keys() <= client(fresh_stack.bootstrap).list_topics(timeout=5).topics.keys()
    assert _records(fresh_stack.bootstrap) == 0
    producer = Producer({"bootstrap.servers": fresh_stack.bootstrap})
    producer.produce(topics.RUN_REQUESTS.name, b"{}", partition=0)
    assert producer.flush(10) == 0
    assert _records(fresh_stack.bootstrap) == 1


async def test_a_topic_that_nobody_wrote_to_is_not_made_anew(fresh_stack: StackUnderTest) -> None:
    """Nor is one left out that somebody deleted."""
    bootstrap, names = fresh_stack.bootstrap, list(TOPICS)
    _, before = identities(bootstrap, names)
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topics.RUN_REQUESTS.name, b"{}", partition=0)
    assert producer.flush(10) == 0
    admin = client(bootstrap)  # kept by name: the answers of a client that is collected never come
    admin.delete_topics([topics.DEAD_LETTERS.name])[topics.DEAD_LETTERS.name].result()
    fresh_stack.clean()
    _, after = identities(bootstrap, names)
    anew = {topics.RUN_REQUESTS.name, topics.DEAD_LETTERS.name}
    assert {name for name in names if after[name] != before[name]} == anew


def _records(bootstrap: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test"})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topics.RUN_REQUESTS.name, 0), timeout=5)
        return end
    finally:
        consumer.close()
