import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_monitor.domain.findings import EndedRun, Finding, Found, Rule, of_reports, of_runs, together
from okr_monitor.domain.generate_alerts import Key, decide


def finding(rule: Rule, subject: str) -> Finding:
    return Finding(rule=rule, subject=subject, severity="warning", text="it is wrong; look")


some_rules = st.sampled_from([Rule.LAG, Rule.DRIFT, Rule.RUN_FAILED])
some_findings = st.lists(st.builds(finding, some_rules, st.sampled_from("abc")), max_size=8)
keys = st.frozensets(st.tuples(some_rules.map(lambda rule: rule.value), st.sampled_from("abc")))


def found_by(findings: list[Finding], rules: frozenset[Rule]) -> Found:
    return Found([one for one in findings if one.rule in rules], rules)


def applied(open_alerts: frozenset[Key], found: Found) -> frozenset[Key]:
    decision = decide(open_alerts, found)
    return (open_alerts | {one.key for one in decision.raised}) - set(decision.resolved)


@given(keys, some_findings, st.frozensets(some_rules))
def test_what_is_open_is_what_was_found_and_what_was_not_judged(
    before: frozenset[Key], findings: list[Finding], rules: frozenset[Rule]
) -> None:
    found = found_by(findings, rules)
    unjudged = {key for key in before if key[0] not in {rule.value for rule in rules}}
    assert applied(before, found) == unjudged | {one.key for one in found.findings}


@given(keys, some_findings, st.frozensets(some_rules))
def test_the_same_again_changes_nothing(
    before: frozenset[Key], findings: list[Finding], rules: frozenset[Rule]
) -> None:
    found = found_by(findings, rules)
    again = decide(applied(before, found), found)
    assert (again.raised, again.resolved) == ([], [])
    assert {one.key for one in again.kept} == {one.key for one in found.findings}


@given(keys, some_findings, st.frozensets(some_rules))
def test_nothing_is_both_raised_and_resolved(
    before: frozenset[Key], findings: list[Finding], rules: frozenset[Rule]
) -> None:
    decision = decide(before, found_by(findings, rules))
    raised, kept, resolved = ({*map(key_of, decision.raised)}, {*map(key_of, decision.kept)}, {*decision.resolved})
    assert not raised & before
    assert kept <= before
    assert resolved <= before
    assert not kept & resolved


def key_of(one: Finding) -> Key:
    return one.key


@pytest.mark.parametrize(
    ("state", "rules"),
    [
        ("succeeded", []),
        ("degraded", [Rule.RUN_DEGRADED]),
        ("failed", [Rule.RUN_FAILED]),
        ("skipped", [Rule.RUN_SKIPPED]),
    ],
)
def test_the_newest_run_of_a_pipeline(state: str, rules: list[Rule]) -> None:
    found = of_runs([EndedRun(run_id="1", pipeline="etl", state=state, reason="boom: it broke")])
    assert [finding.rule for finding in found.findings] == rules
    assert found.judged == {Rule.RUN_FAILED, Rule.RUN_DEGRADED, Rule.RUN_SKIPPED}


def test_a_missing_report_says_nothing() -> None:
    assert of_reports({}, 0.1) == Found([], frozenset())
    assert together([]).judged == frozenset()
