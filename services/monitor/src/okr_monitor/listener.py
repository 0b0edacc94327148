"""Hears every event for the live view, and sets aside what nobody can read."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from okr_common import codec, metrics
from okr_common.clock import utc_now
from okr_common.control_plane import Take
from okr_common.errors import PermanentError
from okr_common.kafka.admin import identities
from okr_common.kafka.consumer import event_of
from okr_common.kafka.dead_letters import Received, dead_letter
from okr_common.kafka.original import headers_of, pairs
from okr_common.logs import logger
from okr_common.topics import RUN_REQUESTS, TOPICS, Topic
from okr_common.topology import STAGES
from okr_monitor.domain.live_view import LiveView, is_ours_alone
from okr_monitor.store.letters import Letters

STAGE = STAGES["monitor"]
log = logger(__name__)


class Listener:
    """Fills the live view. `changed` is called after each event, `told` after a dead letter was left."""

    def __init__(
        self,
        bootstrap: str,
        view: LiveView,
        letters: Letters,
        *,
        changed: Callable[[], None],
        told: Callable[[], None],
    ) -> None:
        self._bootstrap = bootstrap
        self._view = view
        self._letters = letters
        self._changed = changed
        self._told = told

    @property
    def follow(self) -> Mapping[Topic, Take]:
        """Every topic the monitor reads; requests for runs are the control plane's own."""
        return {topic: self.hear for topic in STAGE.consumes if topic is not RUN_REQUESTS}

    async def hear(self, message: Received) -> None:
        """Shows one event. What cannot be read becomes a dead letter where no other service will see to it."""
        topic = str(message.topic())
        metrics.MESSAGES_CONSUMED.labels(topic).inc()
        try:
            event = event_of(message)
            self._view.hear(event, _time(codec.header(pairs(headers_of(message)), "ce_time")))
        except PermanentError as why:
            self._view.unreadable[topic] += 1
            log.warning("unreadable_event", topic=topic, offset=message.offset(), reason=why.reason)
            if is_ours_alone(TOPICS[topic]):
                await self._set_aside(message, topic, why)
        self._changed()

    async def _set_aside(self, message: Received, topic: str, why: PermanentError) -> None:
        _, ids = await asyncio.to_thread(identities, self._bootstrap, [topic])
        await self._letters.put([dead_letter(message, why, STAGE, ids[topic])])
        self._told()


def _time(text: str | None) -> datetime:
    """When it happened; an envelope without a time is taken for new."""
    with suppress(TypeError, ValueError):
        said = datetime.fromisoformat(text or "")
        return said if said.tzinfo else utc_now()
    return utc_now()
