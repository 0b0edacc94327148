"""The yardstick of the models bench never sees an outcome before it was known: else it would be unfairly good."""

import runpy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from okr_common import paths

BENCH = runpy.run_path(str(paths.repository() / "bench" / "yardstick.py"))
Asked, yardstick = BENCH["Asked"], BENCH["yardstick"]
BEGIN = datetime(2020, 1, 10, tzinfo=UTC)
MARCH, MAY, JUNE = (datetime(2020, month, 1, tzinfo=UTC) for month in (3, 5, 6))


@pytest.fixture(scope="module")
def asked() -> list[Any]:
    """One a day, from January to August; each outcome is known forty days later and is what the feature says."""
    drawn = np.random.default_rng(3).random(220)
    return [
        Asked(
            key_result_id=str(number),
            known=BEGIN + timedelta(days=number),
            x={"progress": float(value), "direction": "increase" if number % 3 else "decrease"},
            learned=True,
            ended=BEGIN + timedelta(days=number + 40),
            achieved=bool(value > 0.5),
        )
        for number, value in enumerate(drawn)
    ]


def turned(asked: list[Any], which: Callable[[Any], bool]) -> list[Any]:
    """The same, with the outcomes of some turned round."""
    return [one._replace(achieved=not one.achieved) if which(one) else one for one in asked]


def test_it_learns_what_was_known(asked: list[Any]) -> None:
    said = yardstick(asked)
    late = [(one.achieved, probability) for one, probability in zip(asked, said, strict=True) if one.known >= JUNE]
    assert min(said for achieved, said in late if achieved) > max(said for achieved, said in late if not achieved)


@pytest.mark.parametrize("moment", [MARCH, MAY, JUNE])
def test_an_outcome_counts_from_the_month_after_it_was_known(asked: list[Any], moment: datetime) -> None:
    said = yardstick(asked)
    of_later = yardstick(turned(asked, lambda one: one.ended >= moment))
    until = [one.known < moment + timedelta(days=28) for one in asked]
    assert (said[until] == of_later[until]).all()
    of_before = yardstick(turned(asked, lambda one: one.ended < moment))
    assert (said[until] != of_before[until]).any()


def test_what_no_pipeline_learned_is_not_learned(asked: list[Any]) -> None:
    unlearned = [one._replace(learned=False) for one in asked]
    assert set(yardstick(unlearned)) == {0.5}
