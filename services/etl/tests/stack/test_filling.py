"""Groups that go on from one batch of a file into the next, on the real database.

The oracle is the source in memory that reads the file at once.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from okr_etl.testing import MemorySource, RawWriter
from okr_etl.testing.grouped import GROUPED, GROUPED_HEADER, INDENTED, INDENTED_HEADER, grouped, indented
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "goals"
FILE = [
    *[grouped("Grow", "ada", "a"), grouped("", "", "b"), grouped("", "", "c", "much"), grouped("", "bob", "d")],
    *[[""] * 6, grouped("", "", "e"), grouped("Be quick", "", "f"), grouped("", "", "g")],
]
GROW, QUICK = [("Grow", "a", "ada"), ("Grow", "b", "ada")], [("Be quick", "f", "bob"), ("Be quick", "g", "bob")]
TOLD = [*GROW, ("Grow", "d", "bob"), ("Grow", "e", "bob"), *QUICK]
KEY_RESULTS = (
    "select o.title, k.title, k.owner from key_result k join objective o using (objective_id) order by k.title"
)
COUNTS = """
select sum(new) as new, sum(changed) as changed, sum(unchanged) as unchanged, sum(rejected) as rejected
from (
    select distinct on (position) * from batch_result where position > $1 order by position, generation desc
) as newest
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / f"{SOURCE}.yaml").write_text(GROUPED)
    return tmp_path


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, sources: Path) -> AsyncIterator[Inner]:
    async with inner(fresh_stack.dsn, sources) as parts:
        yield parts


async def told(etl: Inner) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await etl.pool.fetch(KEY_RESULTS)]


async def counts(etl: Inner, after: int = 0) -> dict[str, int]:
    return {name: int(number) for name, number in dict(await etl.pool.fetchrow(COUNTS, after)).items()}


async def payloads(etl: Inner) -> set[tuple[object, ...]]:
    return {tuple(row) for row in await etl.pool.fetch("select entity, entity_id::text, payload from entity_version")}


def in_memory(etl: Inner, file: Sequence[Sequence[str]]) -> set[tuple[object, ...]]:
    memory = MemorySource(etl.mappings.of(SOURCE, GROUPED_HEADER), GROUPED_HEADER)
    memory.load(file, "file/1")
    return set(memory.published.select("entity", "entity_id", "payload").iter_rows())


@pytest.mark.parametrize("batch_rows", [8, 3, 2, 1])
async def test_a_group_goes_on_in_the_batches_after(etl: Inner, raw: RawWriter, batch_rows: int) -> None:
    await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=batch_rows)
    await etl.apply_all(SOURCE)
    assert await told(etl) == TOLD
    assert await payloads(etl) == in_memory(etl, FILE)
    assert await counts(etl) == {"new": 6, "changed": 0, "unchanged": 0, "rejected": 2}


async def test_each_batch_by_another_replica(
    etl: Inner, raw: RawWriter, fresh_stack: StackUnderTest, sources: Path
) -> None:
    await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=1)
    async with inner(fresh_stack.dsn, sources) as other:
        while await etl.applier._next(SOURCE) and await other.applier._next(SOURCE):
            pass
    assert await told(etl) == TOLD


async def test_a_file_does_not_go_on_in_the_next_one(etl: Inner, raw: RawWriter) -> None:
    await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=3)
    await raw.release(SOURCE, GROUPED_HEADER, [grouped("", "", "h"), grouped("Last", "", "i")])
    await etl.apply_all(SOURCE)
    assert await told(etl) == [*TOLD, ("Last", "i", None)]


@pytest.mark.parametrize("first", [1, 4, 8])
async def test_a_replay_from_the_midst_of_a_group(etl: Inner, raw: RawWriter, first: int) -> None:
    await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=1)
    await etl.apply_all(SOURCE)
    before = await payloads(etl)
    await etl.replays.ask(SOURCE, first)
    while await etl.replayer._step(SOURCE):
        pass
    assert (await etl.replays.asked(), await etl.replays.waits.look()) == ([], {})
    assert await told(etl) == TOLD
    assert await payloads(etl) == before
    assert (await counts(etl))["rejected"] == 2


async def test_the_same_export_again_with_one_changed_row_in_the_midst(etl: Inner, raw: RawWriter) -> None:
    monday = await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=3)
    again = [*FILE[:5], grouped("", "", "e", "7"), *FILE[6:]]
    tuesday = await raw.release(SOURCE, GROUPED_HEADER, again, batch_rows=2)
    await raw.compare(tuesday, monday)
    await etl.apply_all(SOURCE)
    assert await told(etl) == TOLD
    assert await counts(etl, after=3) == {"new": 0, "changed": 1, "unchanged": 5, "rejected": 2}


async def test_a_changed_first_row_changes_its_whole_group(etl: Inner, raw: RawWriter) -> None:
    monday = await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=3)
    tuesday = await raw.release(SOURCE, GROUPED_HEADER, [grouped("Grow", "eve", "a"), *FILE[1:]], batch_rows=1)
    await raw.compare(tuesday, monday)
    await etl.apply_all(SOURCE)
    assert await told(etl) == [("Grow", "a", "eve"), ("Grow", "b", "eve"), *TOLD[2:]]
    assert await counts(etl, after=3) == {"new": 0, "changed": 2, "unchanged": 4, "rejected": 2}


async def test_a_mapping_that_fills_down_from_the_midst_of_a_file_on(etl: Inner, raw: RawWriter, sources: Path) -> None:
    (sources / f"{SOURCE}.yaml").write_text(GROUPED.replace("fill_down: [objective, owner]", "only: value > 0"))
    await raw.release(SOURCE, GROUPED_HEADER, FILE, batch_rows=2)
    assert await etl.applier._next(SOURCE)
    (sources / f"{SOURCE}.yaml").write_text(GROUPED)
    await etl.apply_all(SOURCE)
    assert await told(etl) == [("Grow", "a", "ada"), *TOLD[2:]], "the second row came before"


OUTLINE = [
    *[indented("Grow", "ada"), indented("  a", "", "1"), indented("    b", "", "2"), indented("    c", "", "much")],
    *[indented("  d", "", "3"), indented("Be quick", "bob"), indented("   e", "", "4"), indented("  f", "", "5")],
]


@pytest.mark.parametrize("batch_rows", [8, 3, 1])
async def test_an_outline_goes_on_in_the_batches_after_and_in_a_replay(
    etl: Inner, raw: RawWriter, sources: Path, batch_rows: int
) -> None:
    (sources / f"{SOURCE}.yaml").write_text(INDENTED)
    await raw.release(SOURCE, INDENTED_HEADER, OUTLINE, batch_rows=batch_rows)
    await etl.apply_all(SOURCE)
    outlined = [
        ("Grow", "a", "ada"),
        ("a", "b", None),
        ("Grow", "d", "ada"),
        *[("Be quick", one, "bob") for one in "ef"],
    ]
    assert await told(etl) == outlined
    before = await payloads(etl)
    await etl.replays.ask(SOURCE, 8 // batch_rows)
    while await etl.replayer._step(SOURCE):
        pass
    assert (await told(etl), await payloads(etl)) == (outlined, before)
