"""What ingest-csv knows of paths and files, in okr_raw; claiming and holding them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from okr_common import crash
from okr_common.clock import Clock, utc_now
from okr_common.delivery.outbox import Connection
from okr_common.delivery.release import lock_source
from okr_common.errors import PermanentError
from okr_common.topology import Stage
from okr_ingest_csv.domain.content import Encodings
from okr_ingest_csv.domain.discovery import UNDECIDED, LeftAlone, Look, storable
from okr_ingest_csv.domain.encoding import DECLARED, Encoding
from okr_ingest_csv.domain.verdict import Candidate, sayable
from okr_ingest_csv.store.claiming import Claim, Claiming
from okr_ingest_csv.store.loads import Held
from okr_ingest_csv.store.turns import SQL, Turns


class Store:
    """What ingest-csv knows, in okr_raw."""

    def __init__(
        self, pool: asyncpg.Pool, stage: Stage, committed: Callable[[], None] = lambda: None, clock: Clock = utc_now
    ) -> None:
        self.pool = pool
        self.turns = Turns(stage, committed)
        self._clock = clock

    async def known(self, paths: Sequence[str]) -> dict[str, Look]:
        """What these paths held when they were last looked at, by their storable names; see UNDECIDED."""
        rows = await self.pool.fetch(SQL["known_sightings"], paths, UNDECIDED)
        return {path: Look(*look) for path, *look in rows}

    async def leave_alone(self, path: str, look: Look, why: LeftAlone) -> bool:
        """Remember that this path is not read, and why; False where that was known."""
        row = (storable(path), look.size, look.mtime_ns, look.inode, None, why.reason, why.detail)
        return bool(await self.pool.fetchval(SQL["put_sighting"], *row))

    async def left_alone_below(self, folder: Path, after: str) -> list[tuple[str, Look, str]]:
        """A page of the paths in this folder that are not read: their storable names, looks, and reasons."""
        rows = await self.pool.fetch(SQL["left_alone_below"], f"{folder}/", after)
        return [(path, Look(*look), reason) for path, reason, *look in rows]

    async def forget(self, paths: Sequence[str]) -> None:
        """These paths are not left alone any more."""
        await self.pool.execute(SQL["forget_left_alone"], paths)

    async def claim(self, candidate: Candidate) -> Claim | None:
        """See `claim_all`."""
        return (await self.claim_all([candidate]))[0]

    async def claim_all(self, candidates: Sequence[Candidate]) -> list[Claim | None]:
        """Gives these files of one source their sequences, in this order, in one transaction.

        None where another replica has dealt with a path already. Raises PermanentError("internal_error") where the
        database refuses what they say.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            await lock_source(connection, candidates[0].source)
            claims = await self._claim(connection, [sayable(one) for one in candidates])
            crash.point("before_claim_commit")
        crash.point("after_claim_commit")
        if any(claim is not None and claim.new for claim in claims):  # a copy is nothing to announce
            self.turns.committed()
        return claims

    async def _claim(self, connection: Connection, candidates: Sequence[Candidate]) -> list[Claim | None]:
        try:
            return await Claiming(connection, self.turns, self._clock()).claim(candidates)
        except asyncpg.DataError as error:
            raise PermanentError("internal_error", f"the database refused it: {error}. Please report this.") from error

    async def encodings(self, size: int) -> Encodings:
        """What was found for the bytes of the files of this size that are done, where it was not their source's say."""
        rows = await self.pool.fetch(SQL["encodings_of_size"], size, DECLARED)
        return {row["sha256"]: Encoding(row["encoding"], row["encoding_guessed"], row["encoding_how"]) for row in rows}

    async def unfinished_sources(self) -> list[str]:
        """The sources that have files on their way."""
        return [row["source"] for row in await self.pool.fetch(SQL["unfinished_sources"])]

    async def unfinished_files(self, source: str) -> list[tuple[int, int]]:
        """The source's files on their way, in order, each with its size in bytes."""
        return [(row["file_id"], row["bytes"]) for row in await self.pool.fetch(SQL["unfinished_files"], source)]

    @asynccontextmanager
    async def hold(self, file_ids: Sequence[int]) -> AsyncIterator["Held | None"]:
        """Those of the source's files that nobody else loads, for nobody else to load meanwhile; None where all are.

        What is at its end by now is left out.
        """
        async with self.pool.acquire() as connection:
            locked = [row["file_id"] for row in await connection.fetch(SQL["lock_files"], file_ids)]
            rows = await connection.fetch(SQL["held_files"], locked) if locked else []
            yield Held(self.turns, connection, rows) if rows else None
