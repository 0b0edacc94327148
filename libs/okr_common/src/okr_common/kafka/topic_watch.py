"""Waiting for the broker and its topics."""

import asyncio
from collections.abc import Sequence

from confluent_kafka import KafkaException

from okr_common.errors import RetryableError
from okr_common.kafka import admin

ANSWER_SECONDS = 2.0


async def topic_ids(bootstrap: str, topics: Sequence[str]) -> dict[str, str]:
    """The id of each topic. Raises RetryableError while the broker does not answer, or one of them is not there."""
    return await asyncio.to_thread(_topic_ids, bootstrap, list(topics))


def _topic_ids(bootstrap: str, topics: list[str]) -> dict[str, str]:
    try:
        admin.client(bootstrap).list_topics(timeout=ANSWER_SECONDS)  # a broker that is away is found out sooner
        return admin.identities(bootstrap, topics)[1]
    except KafkaException as error:
        raise RetryableError(f"{bootstrap} does not show the topics {', '.join(topics)}: {error}") from error
