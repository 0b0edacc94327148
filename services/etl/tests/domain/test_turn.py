"""What a batch makes of what is held is known before it is written: the next one of its file is compared with that."""

import random
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okr_common.sources import Mapping, load_mapping
from okr_etl.testing import MemorySource
from okr_etl.testing.exports import HEADER, SOURCES, Exports

quick = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mapping]:
    """Of the sources that are made by code."""
    folder, found = tmp_path_factory.mktemp("sources"), {}
    for name, kind in SOURCES.items():
        (folder / f"{name}.yaml").write_text(kind.mapping(name))
        loaded = load_mapping(folder / f"{name}.yaml")
        assert not isinstance(loaded, list), loaded
        found[name] = loaded
    return found


@quick
@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(SOURCES)), batch_rows=st.integers(2, 40))
def test_a_batch_finds_what_the_one_before_foretold(
    mappings: dict[str, Mapping], seed: int, name: str, batch_rows: int
) -> None:
    """The source in memory compares both ways wherever the batch before foretells, and counts how often."""
    source, exports = MemorySource(mappings[name], HEADER), Exports(SOURCES[name], random.Random(seed))  # noqa: S311 - no secret
    rows = exports.next(30)
    source.export(rows, batch_rows)
    source.export(exports.next(20), batch_rows)
    assert source.foreseen >= (len(rows) - 1) // batch_rows - len(gaining(source))


def test_nothing_is_foretold_where_a_check_in_gains_a_time(mappings: dict[str, Mapping]) -> None:
    """All its versions before are held with it then, and not only the newest one."""
    row = ["g1", "t1", "90", "10", "1", "2024-01-01", "2024-01-01", "2024-03-21"]
    source = MemorySource(mappings["works"].model_copy(update={"name": "farms"}), HEADER)
    source.export([[*row, ""]])
    source.mapping = mappings["farms"]
    later = [[*row[:3], value, *row[4:], f"2024-01-01T{value}:00:00Z"] for value in ("20", "21")]
    source.export(later, 1)
    assert [one.counts["changed"] for one in source.applied] == [0, 1, 1]
    assert gaining(source)
    assert source.foreseen == 0


def test_what_was_read_after_the_batch_before_was_written_is_the_same(mappings: dict[str, Mapping]) -> None:
    """Whether the reading finds the versions of the batch before or not depends on which of the two is faster."""
    source, exports = MemorySource(mappings["works"], HEADER), Exports(SOURCES["works"], random.Random(7))  # noqa: S311 - no secret
    source.load(exports.next(60))
    source.load(exports.next(60))
    turn, before = source.last
    held = turn.leaves(before)
    assert held.height > before.height
    assert turn.leaves(held).sort(pl.all()).equals(held.sort(pl.all()))
    assert replace(turn, every=[]).leaves(before).equals(before)


def gaining(source: MemorySource) -> list[str]:
    """The check-ins that had versions without a time, and got one."""
    return [one for applied in source.applied for one in applied.gaining_time]
