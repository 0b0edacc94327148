"""Asking a broker how it is, as a client would: never by an open port or a line in its log."""

import asyncio
import logging
from collections.abc import Iterable

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from okr_common.kafka.admin import LATEST

QUIET = logging.getLogger("okr.probe.librdkafka")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False  # a broker that is not up yet is what a probe is for, not news


class BrokerProbe:
    """One cheap client that asks again and again."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient(
            {
                "bootstrap.servers": bootstrap,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 100,
                "log_level": 0,
            },
            logger=QUIET,
        )

    async def answers(self, timeout_seconds: float = 1.0) -> bool:
        """Say whether the cluster describes itself and has a broker."""
        return await asyncio.to_thread(self._describes_itself, timeout_seconds)

    def _describes_itself(self, timeout_seconds: float) -> bool:
        try:
            return bool(self._admin.describe_cluster(request_timeout=timeout_seconds).result(timeout_seconds + 1).nodes)
        except (KafkaException, TimeoutError):
            return False

    async def groups(self, prefix: str, timeout_seconds: float = 3.0) -> list[str] | None:
        """The consumer groups whose names begin so, or None when the broker does not say."""
        return await asyncio.to_thread(self._groups, prefix, timeout_seconds)

    def _groups(self, prefix: str, timeout_seconds: float) -> list[str] | None:
        try:
            listing = self._admin.list_consumer_groups(request_timeout=timeout_seconds).result(timeout_seconds + 1)
        except (KafkaException, TimeoutError):
            return None
        return sorted(group.group_id for group in listing.valid if group.group_id.startswith(prefix))

    async def lags(self, groups: Iterable[str], timeout_seconds: float = 3.0) -> dict[str, int]:
        """How many records each group has still to read; a group that committed nothing is absent."""
        return await asyncio.to_thread(self._lags, list(groups), timeout_seconds)

    def _lags(self, groups: list[str], timeout_seconds: float) -> dict[str, int]:
        committed = {group: self._committed(group, timeout_seconds) for group in groups}
        ends = self._ends({place for places in committed.values() for place in places}, timeout_seconds)
        return {
            group: sum(max(ends.get(place, offset) - offset, 0) for place, offset in places.items())
            for group, places in committed.items()
            if places
        }

    def _committed(self, group: str, timeout_seconds: float) -> dict[tuple[str, int], int]:
        request = [ConsumerGroupTopicPartitions(group)]
        try:
            answer = self._admin.list_consumer_group_offsets(request, request_timeout=timeout_seconds)[group].result()
        except KafkaException:
            return {}
        return {(place.topic, place.partition): place.offset for place in answer.topic_partitions if place.offset >= 0}

    def _ends(self, places: set[tuple[str, int]], timeout_seconds: float) -> dict[tuple[str, int], int]:
        if not places:
            return {}
        wanted = {TopicPartition(topic, partition): LATEST for topic, partition in places}
        ends: dict[tuple[str, int], int] = {}
        for place, answer in self._admin.list_offsets(wanted, request_timeout=timeout_seconds).items():
            try:
                ends[place.topic, place.partition] = answer.result().offset
            except KafkaException:
                continue  # the topic was deleted after the group committed
        return ends
