from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from okr_monitor.domain.findings import Rule
from okr_monitor.domain.generate_alerts import Alert
from okr_monitor.domain.live_view import Happened, LiveView
from okr_monitor.domain.system_health import Limits, Memory, Outbox, Probe, Readings, SystemHealth, judge
from okr_monitor.domain.verdict import Verdict
from okr_monitor.store.models import AtRisk
from okr_monitor.store.reports import ShownRun
from okr_monitor.web.board import Board, Boards, Facts
from okr_monitor.web.page import Pages, assets

NOW = datetime(2026, 11, 24, 2, 3, 4, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"
PAGES = Pages(assets())


def health(**changes: Any) -> SystemHealth:  # noqa: ANN401
    ready = Probe(kind="service", name="etl", answered=True, ready=True)
    limits = Limits(lag=1, patience=timedelta(0), unready=timedelta(0), outbox=timedelta(0), disk=1)
    return judge(Readings(at=NOW, probes=[ready], **changes), Memory(began=NOW), limits, timedelta(0))


def alert(state: str = "open", text: str = "it is wrong; look") -> Alert:
    return Alert(
        alert_id=1,
        rule=Rule.SERVICE_DEAD,
        subject="etl",
        severity="critical",
        text=text,
        state=state,
        raised_at=NOW,
        seen_at=NOW,
        resolved_at=None if state == "open" else NOW,
    )


def run(state: str = "succeeded") -> ShownRun:
    return ShownRun(uuid4(), "etl", "cron", NOW, state, HOSTILE, NOW, NOW + timedelta(seconds=75), 6)


def at_risk(title: str) -> AtRisk:
    return AtRisk(title, "1/2026", "mta", NOW.date(), 0.014, HOSTILE, 30.3, None, 75.0, NOW)


def test_an_empty_board_says_what_is_missing() -> None:
    shown = PAGES.page(Board(None, Facts(), [], None))
    for sentence in ("first look is under way", "None so far", "None yet", "No predictions yet", "No report yet"):
        assert sentence in shown
    assert "does not answer" in shown  # the banner, hidden


def test_a_full_board() -> None:
    facts = Facts(at=NOW, alerts=[alert()], runs=[run()], at_risk=[at_risk("On time")], risk_counts={"high": 1})
    waiting = Outbox(service="etl", database="okr_processed", unsent=3, waits_seconds=0)
    event = Happened(NOW, "t", "file_done", "file 1 stored")
    shown = PAGES.board(Board(health(lags={"okr-etl": 7}, outboxes=[waiting]), facts, [event], None))
    for part in (
        "1 open alert",
        "it is wrong; look",
        "1 min 15 s",
        "6/7",
        "On time",
        "1 %",
        "okr-etl 7",
        "file 1 stored",
    ):
        assert part in shown
    assert "etl has 3 unsent in okr_processed" in shown


def test_what_others_wrote_is_shown_as_text() -> None:
    facts = Facts(at=NOW, alerts=[alert(text=HOSTILE)], runs=[run()], at_risk=[at_risk(HOSTILE)])
    shown = PAGES.board(Board(health(), facts, [Happened(NOW, "t", HOSTILE, HOSTILE)], HOSTILE))
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") >= 5


@pytest.mark.parametrize(
    ("alerts", "verdict"),
    [([], Verdict.OK), ([alert("resolved")], Verdict.OK), ([alert()], Verdict.BAD)],
)
def test_the_verdict_counts_open_alerts(alerts: list[Alert], verdict: Verdict) -> None:
    assert Board(health(), Facts(alerts=alerts), [], None).verdict is verdict


class Away:
    """A store whose database is away."""

    async def listed(self, *_: object) -> list[Alert]:
        raise ConnectionRefusedError("nobody listens")


class Watching:
    health = None


async def test_while_the_databases_are_away_the_rest_is_shown() -> None:
    stores: Any = Away()
    watch: Any = Watching()
    board = await Boards(watch, LiveView(), stores, stores, stores, clock=lambda: NOW).now()
    assert board.stale == "nobody listens"
    assert "The databases do not answer (nobody listens)" in PAGES.board(board)
