"""Check-ins as an API gives them: the documented fields of Tability's, each with its outcome and plan embedded."""

from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""


def check_ins(outcomes: int, weeks: int, *, start: datetime = START) -> list[dict[str, Any]]:
    """One check-in per outcome and week, oldest first; every third outcome falls behind.

    >>> [one["id"] for one in check_ins(2, 2)]
    ['ci-0-00', 'ci-1-00', 'ci-0-01', 'ci-1-01']
    """
    return [check_in(outcome, week, weeks, start) for week in range(weeks) for outcome in range(outcomes)]


def check_in(outcome: int, week: int, weeks: int, start: datetime = START) -> dict[str, Any]:
    """One check-in."""
    behind = outcome % 3 == 2  # noqa: PLR2004 - the third
    day = start + timedelta(weeks=week)
    progress = (week + 1) / weeks * (0.3 if behind else 1.1)
    written = day + timedelta(hours=9, minutes=outcome % 60)
    return {
        "id": f"ci-{outcome}-{week:02}",
        "outcome_id": f"out-{outcome}",
        "checkin_date": _time(day),
        "score": round(100 + 900 * progress, 2),
        "confidence": "red" if behind else "green",
        "body": f"Week {week + 1} of {weeks}",
        "created_at": _time(written),
        "updated_at": _time(written),
        "is_remote": False,
        "outcome": _outcome(outcome, weeks, start),
    }


def _outcome(outcome: int, weeks: int, start: datetime) -> dict[str, Any]:
    plan = outcome // 5
    return {
        "id": f"out-{outcome}",
        "title": f"Bring metric {outcome} from 100 to 1000",
        "from": 100.0,
        "to": 1000.0,
        "score_format": "number",
        "plan": {
            "id": f"plan-{plan}",
            "title": f"Company goals, part {plan + 1}",
            "start_at": _time(start),
            "finish_at": _time(start + timedelta(weeks=weeks)),
        },
    }


def _time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")
