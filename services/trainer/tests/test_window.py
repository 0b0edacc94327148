"""A version is measured by the newest predictions whose outcome is known, however many there are."""

from datetime import UTC, date, datetime, timedelta

from okr_trainer.domain.evaluation import Scored, summary
from okr_trainer.domain.window import MOST, measured, newest


def told(key_results: int, each: int = 12) -> list[Scored]:
    """In the order in which outcomes became known; every second one was achieved."""
    begun = date(2015, 1, 1)
    return [
        Scored(
            f"k{number:06}",
            "acme",
            (month + 1) / each,
            begun + timedelta(days=30 * month),
            date(2016, 1, 1),
            datetime(2016, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
            number % 2 == 0,
            0.2 + 0.6 * ((number * 7 + month) % 10) / 10,
            {"linear_pace": 0.5, "class_prior": 0.5},
        )
        for number in range(key_results)
        for month in range(each)
    ]


def test_of_many_rows_the_newest_count_and_the_answer_says_so() -> None:
    rows = told(2_000)
    said = measured(newest(rows, len(rows)))
    assert said["window"] == {"n": MOST - MOST % 12, "of": 24_000}
    assert said["all"]["n"] == said["window"]["n"]
    assert said["all"] == summary(rows[-said["window"]["n"] :])["all"]


def test_few_are_all_there() -> None:
    rows = told(10)
    assert newest(rows, len(rows)) == (rows, 120)
    assert newest([], 0).said == {"n": 0, "of": 0}


def test_no_key_result_is_there_in_part_unless_there_is_only_one() -> None:
    rows = told(5)
    assert {row.key_result_id for row in newest(rows, 60, 30).rows} == {"k000003", "k000004"}
    assert newest(rows[-30:], 60, 30) == newest(rows, 60, 30)
    assert len(newest(rows[:12], 12, 5).rows) == 5
