"""Rejected rows that were exported, mended in a spreadsheet and sent back make what they would have made at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okr_common.spreadsheets import TOLD, WHICH, harmless, which
from okr_etl.store.quality import QualityStore
from okr_etl.testing import RawWriter
from okr_etl.testing.grouped import GROUPED, GROUPED_HEADER, grouped
from okr_etl.testing.inner import Inner, inner
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
SOURCE = "goals"
TITLES = "select title from key_result order by title"


@pytest.fixture
async def etl(fresh_stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[Inner]:
    (tmp_path / f"{SOURCE}.yaml").write_text(GROUPED)
    async with inner(fresh_stack.dsn, tmp_path) as parts:
        yield parts


async def test_what_is_sent_back_is_the_key_result_it_was(etl: Inner, raw: RawWriter) -> None:
    rows = [grouped("Grow", "@ada", "+10 signups"), grouped("Grow", "@ada", "'quoted'", "-5")]
    await raw.release(SOURCE, GROUPED_HEADER, rows)
    mended = [["goals.csv:2", "", "", *map(harmless, row[:-1]), "-6"] for row in rows]
    assert mended[0][5] == "'+10 signups"
    await raw.release(SOURCE, [*TOLD, *GROUPED_HEADER], mended)
    await etl.apply_all(SOURCE)
    assert [row["title"] for row in await etl.pool.fetch(TITLES)] == ["'quoted'", "+10 signups"]
    assert await etl.pool.fetch("select distinct owner from key_result") == [("@ada",)]
    assert await etl.pool.fetchval("select count(*) from check_in where value = -6") == 2


async def test_of_other_files_an_apostrophe_is_one(etl: Inner, raw: RawWriter) -> None:
    await raw.release(SOURCE, GROUPED_HEADER, [grouped("Grow", "ada", "'+10 signups")])
    await etl.apply_all(SOURCE)
    assert [row["title"] for row in await etl.pool.fetch(TITLES)] == ["'+10 signups"]


async def test_which_rows_were_sent_back_is_known_and_stays_known_after_a_replay(etl: Inner, raw: RawWriter) -> None:
    wrong = ["Grow", "ada", "Signups", "soon", "10", "5"]
    (first,) = await raw.release(SOURCE, GROUPED_HEADER, [wrong, grouped("Grow", "ada", "Visits"), wrong])
    await etl.apply_all(SOURCE)
    quality = QualityStore(etl.pool)
    assert [row["row_num"] for row in await quality.rejected(None, None, 9, 0, repeated=False)] == [1, 3]
    said = [which(first.batch_id, 1), "", "batch 99999999999999999999 row 1", which(first.batch_id + 7, 3)]
    back = [["goals.csv:2", "", "", cell, *grouped("Grow", "ada", "Signups")] for cell in said]
    (second,) = await raw.release(SOURCE, [*TOLD, WHICH, *GROUPED_HEADER], back)
    await etl.apply_all(SOURCE)
    for _ in range(2):
        assert [row["row_num"] for row in await quality.rejected(None, None, 9, 0, repeated=False)] == [3]
        every = await quality.rejected(None, None, 9, 0, repeated=True)
        assert [row["sent_back"] for row in every] == [second.batch_id, None]
        await etl.replays.ask(SOURCE, 1)
        while await etl.replayer._step(SOURCE):
            pass
