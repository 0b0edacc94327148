"""Which sources this replica works on: those whose partition of okr_ingestion_events its consumer was given.

Sharing saves work and protects nothing; what does is the compare and set of a source's head. So nobody waits when a
partition goes: the batch in hand is written, or refused because its new owner was faster.
"""

from collections.abc import Callable, Sequence

from okr_common.kafka.consumer import Partition
from okr_common.logs import logger
from okr_common.topics import Topic

log = logger(__name__)
Holds = Callable[[str], bool]
"""Whether a source is this replica's."""


class Share:
    """Nothing, until the group gave this replica its first partitions; what it has, it keeps while Kafka is away."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._wake: tuple[Callable[[], None], ...] = ()
        self.partitions: set[int] = set()

    def holds(self, source: str) -> bool:
        """Whether the source's events come to this replica."""
        return self._topic.partition_of(source) in self.partitions

    def wakes(self, *parts: Callable[[], None]) -> None:
        """These hear when sources came."""
        self._wake = parts

    async def gained(self, partitions: Sequence[Partition]) -> None:
        """Their sources are this replica's from now on."""
        self.partitions |= {number for _, number in partitions}
        log.info("sources_gained", partitions=sorted(number for _, number in partitions))
        for wake in self._wake:
            wake()

    async def lost(self, partitions: Sequence[Partition]) -> None:
        """Nothing is begun any more for their sources."""
        self.partitions -= {number for _, number in partitions}
        log.info("sources_lost", partitions=sorted(number for _, number in partitions))
