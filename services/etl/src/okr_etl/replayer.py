"""Carries out replays of this replica's sources, beside the live batches.

Batch by batch to the head, where the new generation comes to hold.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from okr_common.errors import FatalError, PermanentError
from okr_common.logs import logger
from okr_common.postgres.pool import RETRYABLE, until_done
from okr_common.sources import Mapping
from okr_etl.decider import Decider
from okr_etl.domain.head import Head
from okr_etl.domain.replay import Replay, Step, next_step
from okr_etl.domain.turn import Task
from okr_etl.mappings import Mappings
from okr_etl.parents import Parents
from okr_etl.preparer import proposed
from okr_etl.reader import Reader
from okr_etl.said import Said
from okr_etl.share import Holds
from okr_etl.store.processed import ProcessedStore
from okr_etl.store.raw import RawStore, Released
from okr_etl.store.replays import ReplayStore
from okr_etl.store.waits import Waiting

log = logger(__name__)


class Replayer:
    """Looks for replays that were asked for. Live batches of their sources go on meanwhile, and are done again too."""

    def __init__(
        self,
        raw: RawStore,
        processed: ProcessedStore,
        replays: ReplayStore,
        mappings: Mappings,
        decider: Decider,
        *,
        holds: Holds,
        told: Callable[[], None],
        every_seconds: float,
    ) -> None:
        self._raw = raw
        self._reader = Reader(raw, mappings.key)
        self._processed = processed
        self._replays = replays
        self._mappings = mappings
        self._decider = decider
        self._said = Said(raw, processed, mappings.key)
        self._parents = Parents(raw, processed.parents, mappings.key)
        self._holds = holds
        self._told = told
        self._every_seconds = every_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """One was asked for."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Carries out one after another, and ends between two batches."""
        while not stop.is_set():
            for replay in await until_done("replays", self._look, stop) or ():
                if replay.state == "running" and self._holds(replay.source) and not stop.is_set():
                    await until_done("replay", partial(self._replay, replay.source, stop), stop)
            await self._rest(stop)

    async def _look(self) -> list[Replay]:
        """Those that were asked for; of one that has ended, here or elsewhere, it is not told any more why it waits."""
        asked, waiting = await self._replays.asked(), await self._replays.waits.look()
        for source in waiting.keys() - {replay.source for replay in asked}:
            await self._replays.waits.clear(source)
        return asked

    async def _rest(self, stop: asyncio.Event) -> None:
        stopping, woken = asyncio.create_task(stop.wait()), asyncio.create_task(self._woken.wait())
        _, pending = await asyncio.wait((stopping, woken), timeout=self._every_seconds, return_when="FIRST_COMPLETED")
        for task in pending:
            task.cancel()
        self._woken.clear()

    async def _replay(self, source: str, stop: asyncio.Event) -> None:
        """As far as it goes; where it cannot go on, why is told, and the others have their turn."""
        try:
            while self._holds(source) and not stop.is_set() and await self._step(source):
                await self._replays.waits.clear(source)
            await self._replays.waits.clear(source)
        except (FatalError, *RETRYABLE):
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one source must not stop the others
            await self._wait(source, error)

    async def _step(self, source: str) -> bool:
        """False where it is at its end, or was stopped."""
        replay = next(iter(await self._replays.asked(source)), None)
        if replay is None or replay.state == "stopped":
            return False
        head = await self._processed.head(source)
        released = await self._raw.released(source, replay.next_position)
        assert released is not None  # noqa: S101 - what was applied was released
        mapping = await self._mapping(replay, released)
        match next_step(replay, head, mapping.hash):
            case Step.BEGIN:
                await self._begin(replay, mapping)
            case Step.BATCH:
                await self._again(released, mapping, replay)
            case Step.SWITCH:
                following = await self._raw.released(source, head.position + 1)
                if not await self._raw.is_whole(head.unit, following):
                    return False  # a file, or request, holds as a whole: the rest of it comes first
                return not await self._switch(replay, mapping)
        return True

    async def _mapping(self, replay: Replay, released: Released) -> Mapping:
        """Today's, or the former one that is asked for."""
        if replay.mapping_version is None:
            return self._mappings.of(replay.source, released.header)
        former = await self._processed.mapping(replay.source, replay.mapping_version)
        if former is None:
            raise PermanentError("no_mapping", f"{replay.source} has no mapping version {replay.mapping_version}")
        return former

    async def _begin(self, replay: Replay, mapping: Mapping) -> None:
        await self._processed.keep(mapping)
        before = await self._raw.released(replay.source, replay.first - 1)
        begun = await self._replays.begin(replay, mapping, before.ingested_at if before else None)
        told = "replay_begun" if begun else "replay_begins_later"
        log.info(told, source=replay.source, first=replay.first, head=replay.head, mapping=mapping.hash)

    async def _again(self, released: Released, mapping: Mapping, replay: Replay) -> None:
        head = await self._head(replay)
        if head.unit is not None and head.unit != released.unit:
            await self._decider.decide_again(mapping, head)
        batch = await self._reader.read(released, mapping)
        said = await self._said.before(released, mapping, head, head.unit)
        proposals = await proposed(batch, mapping, self._mappings.key)
        proposals, late = await self._parents.settled(batch, proposals, mapping, head.generation)
        task = Task(batch, proposals, mapping, head.generation, released.behind, said=said, late=late)
        counts = await self._replays.apply(task)
        log.info("batch_replayed", source=replay.source, position=released.position, head=replay.head, **counts or {})

    async def _head(self, replay: Replay) -> Head:
        assert replay.generation is not None  # noqa: S101 - it has begun
        return replace(await self._replays.head(replay), generation=replay.generation)

    async def _switch(self, replay: Replay, mapping: Mapping) -> bool:
        source, head = replay.source, await self._head(replay)
        await self._decider.decide_again(mapping, head)
        event = await self._replays.switch(replay, self._decider.decision(mapping, head))
        if event is None:
            return False
        self._told()
        told = {name: getattr(event, name) for name in ("generation", "versions", "withdrawn", "closed")}
        log.info("source_replayed", source=source, **told)
        return True

    async def _wait(self, source: str, error: Exception) -> None:
        waiting = Waiting.after(error)
        if await self._replays.waits.put(source, waiting):
            is_known = isinstance(error, PermanentError)
            log.error("replay_waits", source=source, detail=waiting.detail, exc_info=None if is_known else error)
