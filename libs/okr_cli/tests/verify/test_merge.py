"""The comparison of two ordered sides must find exactly what a dict would."""

import random
from collections.abc import AsyncIterator

import pytest

from okr_cli.verify.finding import Check, Report, dense
from okr_cli.verify.merge import outer_join


async def stream(side: dict[int, str]) -> AsyncIterator[tuple[int, str]]:
    for key in sorted(side):
        yield key, side[key]


@pytest.mark.parametrize("seed", range(30))
async def test_it_is_an_outer_join(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - draws test data
    left, right = ({key: f"{name}{key}" for key in range(12) if chance.random() < 0.6} for name in "lr")
    joined = [found async for found in outer_join(stream(left), stream(right))]
    assert joined == [(key, left.get(key), right.get(key)) for key in sorted({*left, *right})]


async def test_an_empty_side_is_no_end() -> None:
    assert [found async for found in outer_join(stream({}), stream({1: "r"}))] == [(1, None, "r")]
    assert [found async for found in outer_join(stream({}), stream({}))] == []


@pytest.mark.parametrize(
    ("numbers", "last", "wrong"),
    [([1, 2, 3], 3, 0), ([], 0, 0), ([1, 3], 3, 1), ([2, 3], 3, 1), ([1, 2], 3, 1), ([], 1, 1), ([1, 2, 3], 2, 1)],
)
def test_holes_in_numbers_are_found(numbers: list[int], last: int, wrong: int) -> None:
    check = Check("numbers", "have no hole")
    dense(check, "mta", numbers, last)
    assert check.wrong == wrong


def test_a_report_is_clean_without_findings_and_counts_all_of_them() -> None:
    check = Check("a", "b")
    assert Report((check,)).clean
    for number in range(30):
        check.must_be(number, 1, 2)
    assert not Report((check,)).clean
    assert (check.wrong, len(check.findings), check.examined) == (30, 20, 30)
