"""What `okr lineage` shows of a prediction and of a record."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from okr_cli.lineage import SHOWN, beginning, of_prediction

LIVE: dict[str, Any] = {
    "prediction_id": UUID(int=7),
    "key_result": "Grow/Signups",
    "probability": 0.26,
    "probability_low": None,
    "probability_high": None,
    "risk": "high",
    "kind": "live",
    "model": "goals",
    "model_version": 1,
    "knowledge_time": datetime(2026, 3, 1, tzinfo=UTC),
    "reasons": [{"text": "half of the time is over"}],
}


def test_of_a_long_record_the_beginning_is_shown() -> None:
    assert beginning("Grow,100%,é") == "Grow,100%,é"
    assert beginning("x" * (SHOWN + 1)) == f"{'x' * SHOWN}... (1 character more: --full)"


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        (None, ", live, goals version 1, "),
        ("replayed", ", live then, closed now (replayed: since a replay no row says it any more), goals version 1, "),
        (
            "absent",
            ", live then, closed now (absent: its source's newest full export has it no more), goals version 1, ",
        ),
    ],
)
def test_a_prediction_of_a_key_result_that_is_closed_is_told_as_closed(closed: str | None, told: str) -> None:
    said = of_prediction(LIVE, {"closed": closed, "generation": 2, "position": 3} if closed else None)
    assert told in said
