"""A real file becomes predictions: the figures known from it, and a bad file never stops a good one."""

import pytest

from okr_cli.testing import Flow, Published

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
SERVICES = ("ingest-csv", "etl", "trainer")
FIGURES = {
    "raw_rows": ("raw", "select count(*) from raw_row", 9213),
    "objectives": ("processed", "select count(*) from objective", 22),
    "key results": ("processed", "select count(*) from key_result", 814),
    "check-ins": ("processed", "select count(*) from check_in", 9213),
    "check-ins without a target": ("processed", "select count(*) from check_in where target is null", 823),
    "outcomes": ("processed", "select count(*) from outcome", 635),
    "achieved": ("processed", "select count(*) from outcome where achieved", 112),
    "rejected": ("processed", "select count(*) from rejected", 0),
    "documents": ("curated", "select count(*) from document", 836),
    "champion": ("ops", "select version from model_version where alias = 'champion'", 1),
}


async def test_the_published_file_gives_the_figures_known_from_it(flow: Flow, published: Published) -> None:
    with flow.stack.supervised(SERVICES):
        flow.drop("Performance_NYCT.csv", published.encoded(published.rows))
        await flow.predicted(len(published.rows))
        await flow.until("ops", "select version from model_version where alias = 'champion'", 1)
    found = {name: await flow.ask(database, query) for name, (database, query, _) in FIGURES.items()}
    assert found == {name: wanted for name, (_, _, wanted) in FIGURES.items()}
    assert await flow.wrong() == []


BAD_FILES: dict[str, tuple[bytes, str, str]] = {
    "empty.csv": (b"", "failed", "empty"),
    "binary.csv": (b"\x7fELF\x00\x01\x02\x00" * 40, "failed", "binary"),
    "strange.csv": (b"shop,price\nA,1\n", "failed", "unrecognised"),
}


async def test_bad_files_end_as_states_with_reasons_and_the_next_good_one_goes_through(
    flow: Flow, published: Published
) -> None:
    rows = published.rows
    with flow.stack.supervised(SERVICES):
        for name, (content, _, _) in BAD_FILES.items():
            flow.drop(name, content)
        flow.drop("header_only.csv", published.encoded([]))
        flow.drop("few_cells.csv", published.encoded([rows[0], rows[1][:5], rows[1]]))
        flow.drop("good.csv", published.encoded(rows[:300]))
        await flow.predicted(300)
    for name, (_, state, reason) in BAD_FILES.items():
        assert await state_of(flow, name) == (state, reason), name
    assert await state_of(flow, "header_only.csv") == ("done", "header_only")
    assert await flow.ask("raw", "select reason from unreadable") == "too_few_cells"
    assert await flow.wrong() == []


async def state_of(flow: Flow, name: str) -> tuple[str, str]:
    query = "select state || ' ' || reason from file where path like '%/' || $1"
    state, reason = (await flow.ask("raw", query, name)).split()
    return state, reason
