from hypothesis import given
from hypothesis import strategies as st

from okr_ingest_csv.domain.identity import LIVE_STATES, WAITING_STATES, Known, New, Same, identify
from okr_ingest_csv.domain.release import InLine, Loaded, releasable

STATES = ["discovered", "waiting", "validating", "loading", "quarantined", "done", "failed", "vanished"]
files = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from(STATES)), max_size=6).map(
    lambda specs: [Known(number * 10, number, sha, state) for number, (sha, state) in enumerate(specs, 1)]
)


@given(files)
def test_the_last_word_of_a_source_is_no_news_and_every_older_one_is_a_revert(known: list[Known]) -> None:
    live = [file for file in known if file.state in LIVE_STATES]
    for sha in (b"a", b"b", b"c"):
        decision = identify(sha, known)
        same = [file.file_id for file in live if file.sha256 == sha]
        if live and live[-1].sha256 == sha:
            assert decision == Same(live[-1].file_id)
        else:
            assert decision == New(revert_of=same[-1] if same else None)


def test_a_file_that_failed_half_way_is_the_last_word_as_far_as_it_came() -> None:
    done, failed = Known(1, 1, b"a", "done", 2), Known(2, 2, b"b", "failed", 1)
    assert identify(b"a", [done, failed]) == New(revert_of=1)
    assert identify(b"b", [done, failed]) == New()
    assert identify(b"a", [done, Known(2, 2, b"b", "failed")]) == Same(1)


def test_bytes_that_brought_no_rows_are_news() -> None:
    for state in ("failed", "vanished", "quarantined"):
        assert identify(b"a", [Known(1, 1, b"a", state)]) == New()


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[InLine], list[Loaded]]:
    states = draw(st.lists(st.sampled_from(STATES), max_size=6))
    counts = [draw(st.integers(0, 3)) for _ in states]
    line = [InLine(number, number, state) for number, state in enumerate(states, 1)]
    ids = iter(draw(st.permutations(range(sum(counts)))))
    batches = [
        Loaded(next(ids), number, part) for number, count in enumerate(counts, 1) for part in range(1, count + 1)
    ]
    return draw(st.permutations(line)), draw(st.permutations(batches))


@given(lines())
def test_a_batch_is_released_only_when_its_file_and_all_before_it_have_ended(
    line: tuple[list[InLine], list[Loaded]],
) -> None:
    files, batches = line
    released = releasable(files, batches)
    by_id = {batch.batch_id: batch for batch in batches}
    state = {file.file_id: file.state for file in files}
    order = [(by_id[one].file_id, by_id[one].number) for one in released]
    assert order == sorted(order)
    for batch in batches:
        blocked = any(state[file_id] in WAITING_STATES for file_id in state if file_id <= batch.file_id)
        held = state[batch.file_id] == "quarantined"
        assert (batch.batch_id in released) == (not blocked and not held)
