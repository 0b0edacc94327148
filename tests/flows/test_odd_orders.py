"""What comes late, again or as it was before: each with the state in which it must end.

Of two sources with the same files: `shops` says not when a value was written down, so the later arrival holds; `farms`
does, so the later writing holds, whenever it arrives.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from okr_cli.testing import Flow
from okr_cli.verify.oracle import OF_THE_TRAINER
from okr_common import topics
from okr_common.delivery.outbox import Outgoing
from okr_common.kafka.producer import Producer
from okr_common.kafka.reader import read_all
from okr_etl.testing.exports import RECORDED, Kind, encoded
from okr_stack.solo import SoloService

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SOURCES = {"shops": Kind("wall", 1), "farms": Kind("data", 1, recorded=RECORDED)}
HISTORY = """
select string_agg(payload ->> 'value', ' ' order by revision) from entity_version
where source = '{}' and entity = 'check_in' and payload ->> 'source_id' like 'g/%'
"""
HOLDS = "select value::float8 from check_in where source = '{}' and source_id like 'g/%'"
KEPT = "select count(*) from held_version h join check_in c on c.check_in_id = h.entity_id where h.revision is null"

EARLIER = """
select count(*) from entity_version later join entity_version v using (entity_id)
where later.revision > v.revision and later.knowledge_time < v.knowledge_time
"""


def row(value: int, hour: int, goal: str = "g") -> list[str]:
    day = "2024-02-01"
    return [goal, "t", "100", str(value), "0", day, "2024-01-01", "2024-03-31", f"{day}T{hour:02}:00:00Z"]


@dataclass
class Market:
    """Both sources in a running system."""

    flow: Flow
    settings: dict[str, str]
    ingest: SoloService | None = None
    files: int = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        with (
            self.flow.stack.service("ingest-csv", self.settings) as self.ingest,
            self.flow.stack.service("etl", self.settings),
        ):
            yield

    async def export(self, *rows: list[str], damage: bytes = b"") -> None:
        """A file of each source, applied where it is not quarantined."""
        self.files += 1
        for name in SOURCES:
            self.flow.drop(f"{name}-{self.files}.csv", encoded(list(rows)) + damage)
        state = "quarantined" if damage else "done"
        await self.flow.until("raw", f"select count(*) from file where state = '{state}' and {self._now()}", 2)
        await self.at_rest()

    def _now(self) -> str:
        return f"path like '%-{self.files}.csv'"

    async def let_go(self) -> None:
        """All files that are quarantined."""
        assert self.ingest is not None
        async with self.flow.reach.database("raw") as raw:
            for file in await raw.fetch("select file_id from file where state = 'quarantined'"):
                httpx2.post(f"{self.ingest.url}/files/{file['file_id']}/release").raise_for_status()
        await self.at_rest()

    async def at_rest(self) -> None:
        """All that is released is applied and told."""
        released = await self.flow.ask("raw", "select coalesce(sum(next_position - 1), 0)::int from source")
        await self.flow.until("processed", "select coalesce(sum(position), 0)::int from source_head", released)
        for database, left in (("processed", "document_due"), ("processed", UNSENT), ("raw", UNSENT)):
            await self.flow.until(database, f"select count(*) from {left}", 0)

    async def histories(self) -> dict[str, str]:
        """Of each source the values that were published of goal `g`, and after the arrow the one that holds."""
        told = {}
        for name in SOURCES:
            said = [await self.flow.ask("processed", query.format(name)) for query in (HISTORY, HOLDS)]
            told[name] = f"{said[0]} -> {said[1]:g}"
        return told


UNSENT = "delivery.outbox where sent_at is null"


@pytest.fixture
async def market(flow: Flow, tmp_path: Path) -> AsyncIterator[Market]:
    for name, kind in SOURCES.items():
        (tmp_path / f"{name}.yaml").write_text(kind.mapping(name))
    yield Market(flow, {"OKR_SOURCES__FOLDER": str(tmp_path), "OKR_ETL__SWEEP_SECONDS": "0.5"})
    assert await flow.wrong(without=OF_THE_TRAINER) == []


async def test_a_quarantined_file_let_go_late_has_its_turn_then(market: Market) -> None:
    with market.open():
        await market.export(row(1, hour=8), damage=b"too,few\n" * 3)
        await market.export(row(2, hour=9))
        assert await market.histories() == {"shops": "2.0 -> 2", "farms": "2.0 -> 2"}
        await market.let_go()
        assert await market.histories() == {"shops": "2.0 1.0 -> 1", "farms": "2.0 -> 2"}
    assert await market.flow.ask("processed", KEPT) > 0, "what was older is kept, and not published"
    assert await market.flow.ask("processed", EARLIER) == 0, "nobody knew the older file's rows before it was let go"


async def test_a_b_a_makes_three_and_so_does_a_revert(market: Market) -> None:
    other = [row(5, 8, goal="other"), row(6, 8, goal="another")]
    with market.open():
        for value, hour, more in ((1, 8, other[:1]), (2, 9, []), (1, 10, other)):
            await market.export(row(value, hour), *more)
        assert await market.histories() == dict.fromkeys(SOURCES, "1.0 2.0 1.0 -> 1")
        await market.export(row(2, 9))  # the very bytes of the second file
        assert await market.flow.ask("raw", "select count(*) from file where revert_of is not null") == 2
        assert await market.histories() == {"shops": "1.0 2.0 1.0 2.0 -> 2", "farms": "1.0 2.0 1.0 -> 1"}


async def test_a_version_older_than_the_current_one_is_kept_and_changes_nothing(market: Market) -> None:
    with market.open():
        await market.export(row(1, hour=9))
        await market.export(row(2, hour=8))
        await market.export(row(2, hour=8), row(5, 8, goal="other"))
        assert await market.histories() == {"shops": "1.0 2.0 -> 2", "farms": "1.0 -> 1"}
    counts = "select string_agg(concat_ws(' ', new, changed, unchanged), ', ' order by position) from batch_result"
    assert await market.flow.ask("processed", f"{counts} where source = 'farms'") == "1 0 0, 0 0 1, 1 0 1"


async def test_what_is_delivered_again_to_another_replica_changes_nothing(market: Market) -> None:
    """As after a rebalance before the offsets were committed: all events once more, to one that has not seen them."""
    with market.open():
        await market.export(row(1, hour=8))
    events = list(read_all(market.flow.stack.bootstrap, [topics.INGESTION_EVENTS.name]))
    again = [
        Outgoing(one.key.decode(), one.topic, one.key.decode(), one.key, one.value, dict(one.headers)) for one in events
    ]
    versions = await market.flow.ask("processed", "select count(*) from entity_version")
    with market.open():
        await Producer(market.flow.stack.bootstrap, "test").publish([*again, *again])
        await market.export(row(2, hour=9))
        assert await market.histories() == dict.fromkeys(SOURCES, "1.0 2.0 -> 2")
    assert await market.flow.ask("processed", "select count(*) from entity_version") == versions + 2
    told = list(read_all(market.flow.stack.bootstrap, [topics.PROCESSED_RECORDS.name]))
    assert len({one.headers["ce_id"] for one in told}) == len(told) == versions + 2
