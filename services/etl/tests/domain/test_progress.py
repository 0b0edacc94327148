"""Progress and success for every direction."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_etl.domain.progress import progress, reached, resolution

Figure = float | None
figures = st.floats(-1e6, 1e6, allow_nan=False)


def of(
    direction: str, baseline: Figure, target: Figure, value: Figure, *, inclusive: bool = True
) -> tuple[Figure, bool | None]:
    frame = pl.DataFrame(
        {"direction": [direction], "baseline": [baseline], "target": [target], "value": [value]},
        schema={"direction": pl.String, "baseline": pl.Float64, "target": pl.Float64, "value": pl.Float64},
    )
    direction_, target_, value_ = pl.col("direction"), pl.col("target"), pl.col("value")
    row = frame.select(
        progress=progress(direction_, pl.col("baseline"), target_, value_, inclusive=inclusive),
        reached=reached(direction_, pl.col("baseline"), target_, value_, inclusive=inclusive),
    ).row(0)
    return row[0], row[1]


@pytest.mark.parametrize(
    ("direction", "baseline", "target", "value", "expected"),
    [
        ("increase", 0, 10, 5, (0.5, False)),
        ("increase", 0, 10, 10, (1.0, True)),
        ("increase", 0, 10, 15, (1.5, True)),
        ("increase", 5, 10, 0, (-1.0, False)),
        ("increase", None, 10, 12, (None, True)),
        ("increase", 10, 10, 12, (0.0, True)),
        ("increase", 0, None, 12, (None, None)),
        ("increase", 0, 10, None, (None, None)),
        ("decrease", 10, 0, 5, (0.5, False)),
        ("decrease", 10, 4, 4, (1.0, True)),
        ("decrease", 10, 4, 13, (-0.5, False)),
        ("stay_above", None, 75, 75, (1.0, True)),
        ("stay_above", None, 75, 74.9, (0.0, False)),
        ("stay_below", None, 2.37, 2.37, (1.0, True)),
        ("stay_below", None, 2.37, 2.38, (0.0, False)),
        ("stay_below", None, None, 2.38, (None, None)),
        ("stay_between", 2, 6, 4, (1.0, True)),
        ("stay_between", 2, 6, 2, (1.0, True)),
        ("stay_between", 2, 6, 6.1, (0.0, False)),
        ("stay_between", 2, 6, 1.9, (0.0, False)),
        ("stay_between", None, 6, 4, (None, None)),
        ("stay_between", 2, None, 4, (None, None)),
        ("none", 0, 10, 5, (None, None)),
    ],
)
def test_by_direction(
    direction: str, baseline: Figure, target: Figure, value: Figure, expected: tuple[Figure, bool | None]
) -> None:
    assert of(direction, baseline, target, value) == expected


@pytest.mark.parametrize(
    ("direction", "baseline", "value"),
    [("stay_above", None, 10), ("stay_below", None, 10), ("stay_between", 5, 10), ("stay_between", 5, 5)],
)
def test_on_the_target_only_if_inclusive(direction: str, baseline: Figure, value: float) -> None:
    assert of(direction, baseline, 10, value) == (1.0, True)
    assert of(direction, baseline, 10, value, inclusive=False) == (0.0, False)


@given(baseline=figures, target=figures, value=figures)
def test_one_formula_covers_both_ways(baseline: float, target: float, value: float) -> None:
    up, down = of("increase", baseline, target, value), of("decrease", -baseline, -target, -value)
    assert up == down
    assert up[0] is not None


@given(baseline=figures, target=figures)
def test_the_ends_of_the_way(baseline: float, target: float) -> None:
    if baseline < target:
        assert of("increase", baseline, target, baseline) == (0.0, False)
        assert of("increase", baseline, target, target) == (1.0, True)


@pytest.mark.parametrize(
    ("direction", "done", "achieved", "expected"),
    [
        ("increase", 1.0, True, "achieved"),
        ("increase", 0.7, False, "partial"),
        ("increase", 0.69, False, "missed"),
        ("increase", None, False, "missed"),
        ("stay_above", 0.0, False, "missed"),
    ],
)
def test_how_it_ended(direction: str, done: Figure, achieved: bool, expected: str) -> None:  # noqa: FBT001 - a case
    frame = pl.DataFrame({"a": [achieved], "p": [done], "d": [direction]}, schema_overrides={"p": pl.Float64})
    assert frame.select(resolution(pl.col("a"), pl.col("p"), pl.col("d"))).item() == expected
