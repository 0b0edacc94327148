"""Topics and facts about the cluster."""

import concurrent.futures
import time
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import ListOffsetsResultInfo, OffsetSpec  # types hide them in .admin
from confluent_kafka.cimpl import NewTopic

from okr_common.errors import RetryableError
from okr_common.topics import TOPICS, Topic

EARLIEST, LATEST = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
ANSWER_SECONDS = 10.0


def client(bootstrap: str) -> AdminClient:
    """An AdminClient that does not write connection errors to stderr."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 2, "socket.timeout.ms": 5000})


def ensure_topics(bootstrap: str, timeout: float = 30) -> list[str]:
    """Makes the topics that are missing and returns their names.

    Raises RetryableError when the broker does not answer in time.
    """
    admin = client(bootstrap)
    deadline = time.monotonic() + timeout
    while True:
        try:
            missing = [topic for name, topic in TOPICS.items() if name not in admin.list_topics(timeout=5).topics]
            futures = admin.create_topics([_new(topic) for topic in missing], operation_timeout=10) if missing else {}
            return [name for name, future in futures.items() if _created(future)]
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise RetryableError(
                    f"the broker at {bootstrap} did not answer within {timeout:.0f} s: {error}"
                ) from error
            time.sleep(0.2)


def recreate_topics(bootstrap: str, timeout: float = 30) -> None:
    """Makes every topic that was used anew, and forgets the groups nobody is in: for tests and a demo that begins anew.

    A topic nobody has written to, with no message in its past, is as a new one.
    """
    admin = client(bootstrap)
    groups = [group.group_id for group in admin.list_consumer_groups(request_timeout=timeout).result().valid]
    forgotten = admin.delete_consumer_groups(groups, request_timeout=timeout) if groups else {}
    used = _used(admin)
    deleted = admin.delete_topics(used, operation_timeout=timeout) if used else {}
    concurrent.futures.wait([*deleted.values(), *forgotten.values()], timeout)
    deadline = time.monotonic() + timeout
    while {*used} & admin.list_topics(timeout=5).topics.keys():
        if time.monotonic() > deadline:
            raise RetryableError(f"the broker at {bootstrap} did not delete the topics within {timeout:.0f} s")
        time.sleep(0.02)
    ensure_topics(bootstrap, timeout)
    # each time a new client: one that knew a deleted topic may hold on to "no leader" for the new one of its name
    while trouble := _not_served(client(bootstrap)):
        if time.monotonic() > deadline:
            raise RetryableError(f"the broker at {bootstrap} does not serve the new topics: {trouble}")
        time.sleep(0.02)


def _used(admin: AdminClient) -> list[str]:
    """The topics that there are, without those of which every partition awaits its first message."""
    there = admin.list_topics(timeout=5).topics.keys()
    unused = {place.topic: True for place in _places()}
    for place, answer in _ends(admin).items():
        unused[place.topic] &= not answer.exception() and answer.result().offset == 0
    return [topic for topic in unused if topic in there and not unused[topic]]


def _not_served(admin: AdminClient) -> str:
    """What is wrong with the first partition that does not answer: a topic is listed a moment before it is served."""
    ends = _ends(admin)
    return next((f"{place}: {answer.exception()}" for place, answer in ends.items() if answer.exception()), "")


def _ends(admin: AdminClient) -> dict[TopicPartition, Future[ListOffsetsResultInfo]]:
    """Answers that are there: the end of each partition, or why it is not told."""
    answers = admin.list_offsets(dict.fromkeys(_places(), LATEST), request_timeout=5)
    concurrent.futures.wait(answers.values(), 10)
    return answers


def _places() -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for topic in TOPICS.values() for number in range(topic.partitions)]


def _new(topic: Topic) -> NewTopic:
    return NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=-1, config=topic.config())


def _created(future: Future[None]) -> bool:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise
    return True


def identities(bootstrap: str, topics: list[str]) -> tuple[str, dict[str, str]]:
    """The cluster's id, and the id of each topic: another one means that offsets of before mean nothing.

    Raises RetryableError when the broker does not answer.
    """
    admin = client(bootstrap)
    try:
        cluster = admin.describe_cluster(request_timeout=10).result()
        described = admin.describe_topics(TopicCollection(topics), request_timeout=10)
        return str(cluster.cluster_id), {name: str(future.result().topic_id) for name, future in described.items()}
    except KafkaException as error:
        raise RetryableError(f"the broker at {bootstrap} did not say which topics it has: {error}") from error


def end_offsets(bootstrap: str, topic: Topic) -> dict[int, int]:
    """Of each partition the offset that its next message will have.

    Raises RetryableError when the broker does not answer.
    """
    return _offsets(bootstrap, topic, LATEST)


def offset_ranges(bootstrap: str, topic: Topic) -> dict[int, tuple[int, int]]:
    """Of each partition the offset of its first message that is still there, and that of its next one.

    Raises RetryableError when the broker does not answer.
    """
    firsts, ends = (_offsets(bootstrap, topic, spec) for spec in (EARLIEST, LATEST))
    return {partition: (first, ends[partition]) for partition, first in firsts.items()}


def _offsets(bootstrap: str, topic: Topic, spec: OffsetSpec) -> dict[int, int]:
    wanted = {TopicPartition(topic.name, partition): spec for partition in range(topic.partitions)}
    admin = client(bootstrap)  # kept by name: the answers of a client that is collected never come
    try:
        found = admin.list_offsets(wanted, request_timeout=ANSWER_SECONDS)
        return {int(place.partition or 0): answer.result(2 * ANSWER_SECONDS).offset for place, answer in found.items()}
    except (KafkaException, TimeoutError) as error:
        raise RetryableError(f"{bootstrap} does not tell which offsets {topic.name} has: {error!r}") from error
