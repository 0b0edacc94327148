"""Whether a due date was known yet, on the real database: current rows, versions, documents, replays."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from okr_common.paths import repository
from okr_common.postgres.pool import open_pool
from okr_etl.curator import build
from okr_etl.store.documents import DocumentStore
from okr_etl.testing import RawWriter
from okr_etl.testing.inner import ROLE, Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "okr_template"
HEADER = [
    *("objective_id", "objective", "key_result_id", "key_result", "kind", "direction", "unit", "baseline", "target"),
    *("start_on", "due_on", "owner", "as_of", "value", "status", "final", "scheduled"),
]
COLUMN = "  final: { from: final, type: boolean }\n"
SAID = "    due_on: due_on\n", "    due_on: due_on\n    due_known: scheduled\n"
CURRENT = "select source_id, due_known from key_result order by 1"
PAYLOADS = """
select payload ->> 'source_id' as key, payload::jsonb ? 'due_known' as is_said, payload ->> 'due_known' as due_known
from entity_version where entity = 'key_result' order by generation, position, seq
"""


def row(key: str, scheduled: str, as_of: str = "2026-01-31") -> list[str]:
    goal = ["O1", "Grow", key, f"Customers {key}", "number", "increase", "", "0", "10"]
    return [*goal, "2026-01-01", "2026-03-31", "", as_of, "1", "", "", scheduled]


@dataclass
class Etl(Inner):
    """With a mapping that is edited."""

    file: Path

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    async def load(self, raw: RawWriter, *rows: list[str]) -> None:
        await raw.release(SOURCE, HEADER, rows)
        await self.apply_all(SOURCE)

    async def replay(self) -> None:
        await self.replays.ask(SOURCE, 1)
        while await self.replayer._step(SOURCE):
            pass
        assert await self.replays.asked() == []

    async def current(self) -> dict[str, bool | None]:
        return {one["source_id"]: one["due_known"] for one in await self.pool.fetch(CURRENT)}


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Etl]:
    file = tmp_path / f"{SOURCE}.yaml"
    text = (repository() / "configs" / "sources" / file.name).read_text()
    assert COLUMN in text
    file.write_text(text.replace(COLUMN, f"{COLUMN}  scheduled: {{ from: scheduled, type: boolean }}\n"))
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        yield Etl(**vars(parts), file=file)


async def test_it_is_kept_as_it_was_said_and_set_when_it_becomes_known(etl: Etl, raw: RawWriter) -> None:
    etl.edit(*SAID)
    await etl.load(raw, row("A", "no"), row("B", "yes"), row("C", ""))
    assert await etl.current() == {"A": False, "B": True, "C": None}
    await etl.load(raw, row("A", "yes", "2026-02-28"), row("B", "", "2026-02-28"), row("C", "", "2026-02-28"))
    assert await etl.current() == {"A": True, "B": None, "C": None}
    assert [tuple(one) for one in await etl.pool.fetch(PAYLOADS)] == [
        ("A", True, "false"),
        ("B", True, "true"),
        ("C", True, None),
        ("A", True, "true"),
        ("B", True, None),
    ]


async def test_its_document_does_not_tell_a_date_that_nobody_knows(
    etl: Etl, raw: RawWriter, fresh_stack: StackUnderTest
) -> None:
    etl.edit(*SAID)
    await etl.load(raw, row("A", "no"), row("B", "yes"), row("C", ""))
    async with await open_pool(fresh_stack.dsn(ROLE, "curated"), "test") as curated:
        due = await DocumentStore(etl.pool, curated).due([SOURCE], 100)
    assert due is not None
    made = {one.meta["source_id"]: one for one in build(due) if one.entity == "key_result"}
    goals = {key: next(line for line in one.text.splitlines() if "Goal: " in line) for key, one in made.items()}
    assert goals == {
        "A": "Goal: raise it from 0 to 10, from 2026-01-01 to a due date not yet known.",
        "B": "Goal: raise it from 0 to 10, from 2026-01-01 to 2026-03-31.",
        "C": "Goal: raise it from 0 to 10, from 2026-01-01 to 2026-03-31.",
    }
    assert [made[key].meta.get("due_known", "nothing") for key in "ABC"] == [False, True, "nothing"]


async def test_a_mapping_that_begins_to_name_it_says_so_of_the_past_in_a_replay(etl: Etl, raw: RawWriter) -> None:
    await etl.load(raw, row("A", "no"), row("B", "yes"), row("C", ""))
    assert await etl.current() == dict.fromkeys("ABC")
    assert [one["is_said"] for one in await etl.pool.fetch(PAYLOADS)] == [False] * 3
    etl.edit(*SAID)
    await etl.replay()
    assert await etl.current() == {"A": False, "B": True, "C": None}
    etl.edit(SAID[1], SAID[0])
    await etl.replay()
    assert await etl.current() == dict.fromkeys("ABC")
