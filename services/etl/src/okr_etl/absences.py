"""Judges files that are applied to their end: what a full export has no more is closed, or why not is told."""

from dataclasses import replace

from okr_common.logs import logger
from okr_common.sources import Mapping
from okr_common.spreadsheets import is_told
from okr_etl.domain.absent import Completeness, Verdict, known_at, undecided
from okr_etl.domain.head import Head, meaning_of
from okr_etl.preparer import proposed
from okr_etl.store.absent import AbsentStore, Judged
from okr_etl.store.raw import RawStore, Released

log = logger(__name__)


class Absences:
    """For the sources whose mapping says `absent: close` or `delete`."""

    def __init__(self, raw: RawStore, store: AbsentStore, key: bytes) -> None:
        self._raw = raw
        self._store = store
        self._key = key

    async def decide(self, mapping: Mapping, head: Head) -> int:
        """Judges the file at this head, once, and returns how many versions that made."""
        return await self._judge(mapping, head, in_replay=False)

    async def decide_again(self, mapping: Mapping, head: Head) -> None:
        """The same for the file at the head of a replay, under the replay's mapping."""
        await self._judge(mapping, replace(head, mapping_hash=meaning_of(mapping.hash)), in_replay=True)

    async def _judge(self, mapping: Mapping, head: Head, *, in_replay: bool) -> int:
        if not mapping.absent.closes or await self._store.is_decided(mapping.name, head):
            return 0
        last = await self._raw.released(mapping.name, head.position)
        assert last is not None  # noqa: S101 - what was applied was released
        first = await self._raw.first_of_unit(mapping.name, last.batch_id) or head.position
        known = known_at(mapping, head, last.known_at)
        judged = Judged(mapping, head, first, last.batch_id, known, in_replay)
        closed = await self._store.decide(judged, await self._verdict(judged, last))
        if closed is None:
            return 0
        if closed.verdict.reason:
            log.warning(closed.verdict.reason, source=judged.source, position=head.position, why=closed.verdict.detail)
        elif closed.key_results or closed.objectives:
            told = {name: getattr(closed, name) for name in ("key_results", "objectives", "versions")}
            log.info("absent_closed", source=judged.source, position=head.position, batch=last.batch_id, **told)
        return closed.versions

    async def _verdict(self, judged: Judged, last: Released) -> Verdict | None:
        """None where it is to be found what is gone; all of what the file or request speaks is known then."""
        found = undecided(await self._completeness(judged, last))
        if found is not None:
            return found
        if last.file_id is None:
            return await self._look_at_standing(judged)
        return None if await self._may_lack(judged, last) else Verdict()

    async def _completeness(self, judged: Judged, last: Released) -> Completeness:
        unreadable, ended_well = await self._raw.ended(last)
        rejected, pending = await self._store.counted(judged, judged.first if last.file_id else 1)
        one_mapping = judged.head.mapping_hash == meaning_of(judged.mapping.hash)
        return Completeness(unreadable, rejected, pending, ended_well, one_mapping, sent_back=is_told(last.header))

    async def _may_lack(self, judged: Judged, last: Released) -> bool:
        """False where its news tells that everything is still there; True once all it speaks of is known."""
        in_part = await self._store.spoken_in_part(judged)
        if not in_part:
            return True
        if await self._store.knew_all(judged) and not await self._took_any_away(judged, last):
            return False
        for position in in_part:
            await self._look_at_all(judged, position)
        return True

    async def _took_any_away(self, judged: Judged, last: Released) -> bool:
        """Whether a row is gone whose key result, or objective, no row that was read speaks of."""
        async for rows in self._raw.read_gone(last):
            gone = (await proposed(rows, judged.mapping, self._key)).speaks_of
            if await self._store.is_unspoken(judged, gone):
                return True
        return False

    async def _look_at_standing(self, judged: Judged) -> Verdict | None:
        """A request stores only what changed: the others of its objects speak by the rows they had before."""
        spoken: set[str] = set()
        rejected = pending = 0
        async for rows in self._raw.read_standing(judged.source, judged.head.position):
            told = await proposed(rows, judged.mapping, self._key)
            spoken.update(told.speaks_of)
            rejected, pending = rejected + len(told.rejected), pending + told.pending.height
        if rejected or pending:
            return undecided(Completeness(0, rejected, pending))
        await self._store.set_spoken(judged, judged.head.position, list(spoken))
        return None

    async def _look_at_all(self, judged: Judged, position: int) -> None:
        released = await self._raw.released(judged.source, position)
        assert released is not None  # noqa: S101 - what was applied was released
        batch = await self._raw.read(released)
        told = await proposed(batch, judged.mapping, self._key)
        await self._store.set_spoken(judged, position, told.speaks_of)
