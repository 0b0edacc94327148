import pytest

from okr_stack.restarts import Again, GiveUp, after_death


@pytest.mark.parametrize(
    ("deaths", "verdict"),
    [
        ([0.0], Again(0.25)),
        ([0.0, 1.0], Again(0.5)),
        ([0.0, 1.0, 2.0], Again(1.0)),
        ([0.0, 1.0, 2.0, 3.0], Again(2.0)),
        ([0.0, 1.0, 2.0, 3.0, 4.0], GiveUp(5)),
        ([0.0, 20.0, 40.0, 50.0, 59.9], GiveUp(5)),
        ([0.0, 20.0, 40.0, 50.0, 60.0], Again(2.0)),  # the first is a minute old
        ([0.0, 100.0, 200.0, 300.0, 400.0], Again(0.25)),  # rare deaths are forgiven for ever
    ],
)
def test_a_dead_part_rests_longer_each_time_and_is_given_up_after_five_in_a_minute(
    deaths: list[float], verdict: Again | GiveUp
) -> None:
    assert after_death(deaths, deaths[-1]) == verdict
