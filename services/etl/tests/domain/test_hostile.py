"""The hostile files' rows, as etl takes them: each is a goal or rejected with a reason, as the corpus says."""

import pytest

from okr_common.sources import Sources, load_sources
from okr_common.testing.hostile import Hostile, corpus, write_mappings
from okr_etl.domain.batch import propose
from okr_etl.testing.memory import raw_batch

ROWS = [case for case in corpus() if case.rows and case.header]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("sources")
    write_mappings(folder)
    return load_sources(folder)


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name[:40])
def test_each_row_is_a_goal_or_rejected_as_the_corpus_says(case: Hostile, sources: Sources) -> None:
    assert case.header is not None
    batch = raw_batch(case.rows, case.header, case.source)
    proposed = propose(batch, sources.mappings[case.source])
    assert (len(proposed.wide), len(proposed.rejected)) == (case.goals, len(case.rows) - case.goals)
    assert all(one.reasons for one in proposed.rejected)
