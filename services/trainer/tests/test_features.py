"""Features are finite, bounded and say what they mean."""

from datetime import date, timedelta
from math import isfinite, log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_trainer.domain.columns import features
from okr_trainer.domain.facts import facts, stood
from okr_trainer.domain.features import CROSSED, FEATURES, NAMES, WORDS, Features, contract_hash, learnable
from okr_trainer.domain.forecast import forecast
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.past import Past, asked_of
from okr_trainer.domain.pipeline import BUILDERS, build, view_of
from okr_trainer.domain.tallies import Tally
from okr_trainer.domain.track_record import NO_RECORD, BaseRate, TrackRecord, series_of
from okr_trainer.testing import Company

JANUARY = date(2017, 1, 1)
any_number = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([1.7e308, -1.7e308, 5e-324, 0.0, -0.0])
any_attribute = st.none() | st.text(max_size=80) | any_number | st.integers(-(10**400), 10**400)
any_days = st.integers(-400, 800)
counts = st.integers(-(10**9), 10**9)


def state_of(
    direction: str = "stay_above",
    target: float | None = 100.0,
    baseline: float | None = None,
    **more: Any,  # noqa: ANN401
) -> KeyResultState:
    one = Company().define("sales/2017", JANUARY, direction=direction, target=target, baseline=baseline, **more)
    state = KeyResultState(one.key_result_id, "acme")
    state.define(one, series_of(one))
    return state


def checked_in(state: KeyResultState, *values: float, target: float = 100.0) -> KeyResultState:
    company = Company()
    for month, value in enumerate(values, 1):
        state.check_in(company.check_in("sales/2017", date(2017, month, 28), value, target=target))
    return state


def of(state: KeyResultState, record: TrackRecord = NO_RECORD, base: BaseRate | None = None) -> dict[str, float | str]:
    day = state.newest or state.start
    return seen_of(state, day, Past({state.series: record}, base or BaseRate()))


def seen_of(state: KeyResultState, day: int, past: Past) -> Features:
    seen = features([facts(state, day, past)], past)
    assert seen.places == stood([(state, day)])
    return seen.xs[0]


@given(
    direction=st.sampled_from(["increase", "decrease", "stay_above", "stay_below", "stay_between"]),
    target=any_number,
    baseline=st.none() | any_number,
    check_ins=st.lists(st.tuples(any_days, st.none() | any_number, any_number), max_size=6),
    attributes=st.dictionaries(st.text(max_size=8), any_attribute, max_size=4),
    length=st.integers(0, 400),
    on=any_days,
    margin=any_number.filter(lambda number: number == number and abs(number) <= 2.0),  # noqa: PLR0124
    tally=st.builds(Tally, counts, counts.map(abs), st.just(0))
    | st.builds(Tally, counts, st.just(9), st.integers(0, 9)),
    outcomes=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(sorted),
    owner=st.none() | st.text(max_size=80),
)
def test_no_rubbish_reaches_river(  # noqa: PLR0917
    direction: str,
    target: float,
    baseline: float | None,
    check_ins: list[tuple[int, float | None, float]],
    attributes: dict[str, str | float | None],
    length: int,
    on: int,
    margin: float,
    tally: Tally,
    outcomes: list[int],
    owner: str | None,
) -> None:
    due = (JANUARY + timedelta(days=length)).toordinal()
    state = state_of(direction, target, baseline, attributes=attributes, due=due, owner=owner)
    company = Company()
    for days, value, then in check_ins:
        state.check_in(company.check_in("sales/2017", JANUARY + timedelta(days=days), value, target=then))
    if state.unjudged:
        return
    day = (JANUARY + timedelta(days=on)).toordinal()
    (places,) = stood([(state, day)])
    tallies = dict.fromkeys(asked_of(state, places), tally)
    base = BaseRate(outcomes[1], outcomes[0])
    x = seen_of(state, day, Past({state.series: TrackRecord(3, 1, True, margin)}, base, tallies))
    for one in FEATURES:
        number = x[one.name]
        assert type(number) is float
        assert one.lowest <= number <= one.highest
    assert all(isinstance(value, str) or (type(value) is float and isfinite(value)) for value in x.values())
    for name in BUILDERS:
        pipeline = build(name)
        pipeline.learn_one(x, True)
        assert isfinite(pipeline.predict_proba_one(x)[True])


def test_every_feature_is_there_in_one_order() -> None:
    x = of(checked_in(state_of(), 99.0))
    crossed = [f"{name}@1" for name in CROSSED]
    assert tuple(x) == (*NAMES, *WORDS, *crossed)


def test_together_each_is_seen_as_it_is_alone_and_the_columns_say_what_the_rows_say() -> None:
    states = [
        state_of(attributes={"team": "blue", "size": 9.0}),
        checked_in(state_of("increase", baseline=50.0, owner="kim"), 60.0, 75.0),
        checked_in(state_of("stay_between", 100.0, 60.0, due_known=False), 110.0),
        checked_in(state_of("stay_below"), *range(90, 96)),
    ]
    days, past = [state.newest or state.start for state in states], Past()
    told = [facts(state, day, past) for state, day in zip(states, days, strict=True)]
    together = features(told, past)
    assert together.xs == [features([one], past).xs[0] for one in told]
    for name, column in together.columns.items():
        assert column.tolist() == [x.get(name, 0.0) for x in together.xs]
    model = build("newton")
    for number, x in enumerate(together.xs * 5):
        model.learn_one(learnable(x), number % 3 == 0)
    by_columns, by_rows = (view_of(model, {}).score(together.xs, columns) for columns in (together.columns, {}))
    assert by_columns.raw.tolist() == by_rows.raw.tolist()


def test_a_number_counts_for_the_stage_it_was_said_at() -> None:
    x = of(checked_in(state_of(), 96.0, 97.0, 98.0, 97.0, 98.0))
    assert x["stage"] == "4"
    assert x["days_left@4"] == x["days_left"] != 0.0


def test_of_a_due_date_that_nobody_had_set_nothing_is_told() -> None:
    known, unknown = (
        of(checked_in(state_of("increase", baseline=50.0, due_known=told), 60.0)) for told in (True, False)
    )
    assert (unknown["due_unknown"], known["due_unknown"]) == (1.0, 0.0)
    told = ("elapsed", "days_left", "length", "left", "last_week", "far", "pace_ratio", "need_ratio")
    assert [unknown[name] for name in told] == [0.0] * len(told)
    assert unknown["age"] == known["age"] > 0.0
    moving = checked_in(state_of("increase", baseline=50.0, due_known=False), 60.0, 75.0)
    assert (of(moving)["slope"], forecast(moving, moving.newest or 0)) == (0.0, 75.0)


def test_pace_and_need_are_ratios_of_what_is_done_and_over() -> None:
    x = of(checked_in(state_of("increase", baseline=50.0), 60.0, 75.0))
    assert x["pace_ratio"] == pytest.approx(log((0.5 + 0.05) / (58 / 364 + 0.05)))
    assert x["need_ratio"] == pytest.approx(log((0.5 + 0.05) / (1 - 58 / 364 + 0.05)))


def test_between_two_marks_the_nearer_one_counts() -> None:
    band = [of(checked_in(state_of("stay_between", 100.0, 60.0), value)) for value in (60.0, 70.0, 80.0, 110.0)]
    assert [one["margin"] for one in band] == pytest.approx([0.0, 0.25, 0.5, -0.25])
    assert [one["meets_now"] for one in band] == [1.0, 1.0, 1.0, 0.0]
    assert [one["progress"] for one in band] == [0.0] * 4, "it goes nowhere"
    leaving = of(checked_in(state_of("stay_between", 100.0, 60.0), 80.0, 95.0))
    assert float(leaving["slope"]) < 0.0


def test_the_margin_knows_the_direction() -> None:
    assert of(checked_in(state_of("stay_above"), 98.0))["margin"] == pytest.approx(-0.02)
    assert of(checked_in(state_of("stay_below"), 98.0))["margin"] == pytest.approx(0.02)
    assert of(checked_in(state_of("stay_above"), 100.0))["meets_now"] == 1.0


def test_what_goes_somewhere_has_progress_and_pace() -> None:
    x = of(checked_in(state_of("increase", baseline=50.0), 60.0, 75.0))
    assert x["progress"] == pytest.approx(0.5)
    assert x["pace"] == pytest.approx(0.5 - 58 / 364)
    down = of(checked_in(state_of("decrease", target=10.0, baseline=50.0), 40.0, target=10.0))
    assert down["progress"] == pytest.approx(0.25)


def test_the_slope_projects_to_the_end_of_the_period() -> None:
    x = of(checked_in(state_of(), 96.0, 97.0, 98.0))
    assert x["slope"] == pytest.approx(0.02 * 364 / 59)
    assert float(x["projected"]) > float(x["margin"])


def test_a_target_of_zero_is_no_division_by_zero() -> None:
    x = of(checked_in(state_of("stay_below", target=0.0), 3.0, target=0.0))
    assert x["margin"] == -2.0
    assert x["meets_now"] == 0.0


def test_the_series_tells_of_its_past() -> None:
    x = of(checked_in(state_of(), 98.0), TrackRecord(outcomes=3, achieved=3, last=True, margin=0.05), BaseRate(8, 1))
    assert x["predecessor"] == 1.0
    assert x["hit_rate"] == pytest.approx((3 + 0.6) / 6 - 0.2)
    assert of(state_of())["predecessor"] == 0.0


def test_its_kin_tell_until_the_series_has_a_past_of_its_own() -> None:
    state = state_of(title="Sprint 13")
    kin, own = TrackRecord(6, 6, True, 0.1), TrackRecord(1, 0, False, -0.1)
    day = date(2017, 6, 30).toordinal()
    assert state.kin
    assert state.kin == state_of(title="sprint  12").kin != state_of(title="Sprint 4.5 of 12").kin
    assert state_of(title="Sprint").kin == ""
    young = seen_of(state, day, Past({state.kin: kin}, BaseRate(8, 4)))
    old = seen_of(state, day, Past({state.kin: kin, state.series: own}, BaseRate(8, 4)))
    withdrawn = seen_of(state, day, Past({state.kin: kin, state.series: TrackRecord()}, BaseRate(8, 4)))
    assert withdrawn == young
    usual = (6 + 3 * 0.5) / 9
    assert (young["predecessor"], old["predecessor"]) == (1.0, -1.0)
    assert [young["hit_rate"], old["hit_rate"]] == pytest.approx([usual - 0.5, 3 * usual / 4 - 0.5])


def test_attributes_become_features_under_their_own_names() -> None:
    x = of(state_of(attributes={"team": "blue", "size": 99.0, "nothing": None}))
    assert x["attribute:team"] == "blue"
    assert x["attribute:size"] == pytest.approx(4.605, abs=1e-3)
    assert "attribute:nothing" not in x


def test_of_words_models_learn_only_the_rates() -> None:
    x = learnable(of(state_of(attributes={"team": "blue", "size": 99.0})))
    assert "attribute:team" not in x
    assert {"attribute:team@rate", "attribute:size", *WORDS} <= x.keys()


def test_the_contract_is_pinned() -> None:
    """A change here refuses all stored features and checkpoints: intended only together with a new training."""
    assert contract_hash()[:16] == "9eb62e32ef8509b6"
