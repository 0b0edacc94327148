import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_monitor.domain.histogram import NumberBins, Value, WordBins, count, cut

numbers = st.floats(-1e6, 1e6)
values = st.one_of(
    st.lists(numbers, min_size=1, max_size=80),
    st.lists(st.sampled_from(["up", "down", "none"]), min_size=1, max_size=80),
    st.lists(st.one_of(numbers, st.sampled_from(["up", "down"])), min_size=1, max_size=80),
)


@given(values, values)
def test_every_value_has_one_bin(training: list[Value], live: list[Value]) -> None:
    bins = cut(training)
    assert bins is not None
    assert sum(count(bins, live)) == len(live)


@given(values)
def test_training_lies_within_itself(training: list[Value]) -> None:
    bins = cut(training)
    assert bins is not None
    assert not any(bins.is_outside(value) for value in training)


@given(st.lists(numbers, min_size=50, max_size=50, unique=True))
def test_different_numbers_fall_into_tenths(training: list[float]) -> None:
    bins = cut(training)
    assert bins is not None
    assert count(bins, training) == [0, *[5] * 10, 0]


@pytest.mark.parametrize(
    ("training", "value", "outside"),
    [
        ([1.0, 1.0, 1.0], 1.0, False),
        ([1.0, 1.0, 1.0], 0.5, True),
        ([1.0, 1.0, 1.0], 1.5, True),
        ([0.0, 1.0], 0.5, False),
        (["up", "down"], "up", False),
        (["up", "down"], "sideways", True),
        ([0.0, 1.0], "word", True),
        (["1.0", 2.0], 2.0, False),
    ],
)
def test_outside(training: list[Value], value: Value, outside: bool) -> None:  # noqa: FBT001
    bins = cut(training)
    assert bins is not None
    assert bins.is_outside(value) is outside


def test_rare_words_share_a_bin() -> None:
    bins = cut([f"w{number}" for number in range(100)])
    assert isinstance(bins, WordBins)
    assert bins.size == 21


def test_no_values_no_bins() -> None:
    assert cut([]) is None


def test_a_constant_has_three_bins() -> None:
    assert cut([4.0, 4.0]) == NumberBins(4.0, (4.0,))
