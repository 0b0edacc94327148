from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okr_common import schedule
from okr_common.errors import FatalError
from okr_common.runs import Run, RunState, run_id
from okr_common.schedule import Policy, Verdict
from okr_common.topology import STAGES

DAY = datetime(2026, 11, 24, tzinfo=UTC)
times = st.integers(0, 366 * 86_400).map(lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second))
cadences = st.sampled_from([stage.cron for stage in STAGES.values()])


def at(hour: float, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour)


@settings(deadline=None)
@given(cadences, times, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_slots_of_a_window_are_the_same_however_it_is_cut(cron: str, start: datetime, length: timedelta) -> None:
    middle = start + length / 3
    whole = schedule.slots(cron, start, start + length)
    assert whole == schedule.slots(cron, start, middle) + schedule.slots(cron, middle, start + length)
    assert all(start < slot <= start + length for slot in whole)


@given(cadences, times)
def test_the_newest_slot_has_none_between_it_and_now(cron: str, now: datetime) -> None:
    slot = schedule.newest(cron, now)
    assert slot <= now < schedule.following(cron, slot)
    assert schedule.newest(cron, slot) == slot


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("etl", [at(2)]),
        ("ingest-api", [at(hour) for hour in (4, 8, 12, 16, 20, 24)]),
        ("ingest-csv", [at(hour) for hour in range(2, 25, 2)]),
        ("trainer", [at(6)]),
        ("monitor", [at(half / 2) for half in range(1, 49)]),
    ],
)
def test_the_five_cadences(service: str, expected: list[datetime]) -> None:
    assert schedule.slots(STAGES[service].cron, at(0), at(24)) == expected


def test_a_wrong_expression_is_refused_with_what_to_write() -> None:
    with pytest.raises(FatalError, match="write five fields"):
        schedule.check("every day")


policies = st.builds(Policy, st.sampled_from(["latest", "all", "none"]), st.timedeltas(timedelta(0), timedelta(days=2)))
dues = st.lists(st.integers(0, 4 * 24 * 60), unique=True, max_size=20).map(
    lambda minutes: [DAY - timedelta(minutes=minute) for minute in minutes]
)


@given(policies, dues, st.one_of(st.none(), st.just("r1")))
def test_every_due_slot_becomes_exactly_one_thing_and_none_is_run_out_of_its_window(
    policy: Policy, due: list[datetime], busy: str | None
) -> None:
    decisions = policy.decide(due, DAY, busy)
    assert [one.logical_time for one in decisions] == sorted(due)
    for one in decisions:
        assert (one.becomes == "run") == (one.reason is None)
        assert one.becomes == "missed" or DAY - one.logical_time <= policy.window
        assert one.becomes != "run" or busy is None or policy.missed == "all"
    ran = [one for one in decisions if one.becomes == "run"]
    assert policy.missed == "all" or len(ran) <= 1


@pytest.mark.parametrize(
    ("missed", "busy", "now", "expected"),
    [
        ("latest", None, at(8), ["missed superseded", "missed superseded", "missed superseded", "run cron"]),
        ("latest", None, at(9), ["missed superseded", "missed superseded", "missed superseded", "run catch_up"]),
        ("latest", "r1", at(8), ["missed superseded", "missed superseded", "missed superseded", "skipped overlap"]),
        ("all", None, at(8), ["run catch_up", "run catch_up", "run catch_up", "run cron"]),
        ("all", "r1", at(8), ["run catch_up", "run catch_up", "run catch_up", "skipped overlap"]),
        ("none", None, at(8), ["missed superseded", "missed superseded", "missed superseded", "run cron"]),
        ("none", None, at(9), ["missed policy"] * 4),
        ("latest", None, at(40), ["missed too_old"] * 4),
        ("all", None, at(29), ["missed too_old", "missed too_old", "run catch_up", "run catch_up"]),
    ],
)
def test_what_becomes_of_missed_slots(
    missed: schedule.Missed, busy: str | None, now: datetime, expected: list[str]
) -> None:
    decided = Policy(missed).decide([at(2), at(4), at(6), at(8)], now, busy)
    said = [f"{one.becomes} {one.trigger if one.reason is None else one.reason.split(':')[0]}" for one in decided]
    assert said == expected


def etl_run(time: datetime, state: RunState) -> Run:
    return Run(run_id("etl", time, "cron"), "etl", time, "cron", state)


@pytest.mark.parametrize(
    ("runs", "now", "expected"),
    [
        ([etl_run(at(2), RunState.SUCCEEDED)], at(6), Verdict.GO),
        ([etl_run(at(2), RunState.DEGRADED)], at(6), Verdict.GO),
        ([etl_run(at(2), RunState.RUNNING)], at(6), Verdict.WAIT),
        ([etl_run(at(2), RunState.FAILED)], at(6), Verdict.WAIT),
        ([etl_run(at(2), RunState.FAILED), etl_run(at(7), RunState.SUCCEEDED)], at(7.5), Verdict.GO),
        ([etl_run(at(2, day=-1), RunState.SUCCEEDED)], at(6), Verdict.WAIT),
        ([etl_run(at(2, day=1), RunState.SUCCEEDED)], at(27), Verdict.GIVE_UP),
        ([], at(9.99), Verdict.WAIT),
        ([], at(10), Verdict.GIVE_UP),
    ],
)
def test_the_trainer_of_six_waits_for_that_days_etl(runs: list[Run], now: datetime, expected: Verdict) -> None:
    window = schedule.needed_window(STAGES["etl"].cron, at(6))
    supplied = schedule.supply(runs, window)
    assert schedule.verdict(supplied, at(6), now, timedelta(hours=4)) is expected
