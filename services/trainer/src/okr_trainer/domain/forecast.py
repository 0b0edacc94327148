"""What the final value will be, if things go on as they do."""

from okr_trainer.domain.key_result_state import MOVING, KeyResultState
from okr_trainer.domain.numbers import finite

EARLIEST = 0.05
"""Before this share of the period is over, a pace says nothing yet."""


def forecast(state: KeyResultState, on: int) -> float | None:
    """A level stays where it is; what goes somewhere goes on at its pace since the start, if it is known until when."""
    value = state.value
    if value is None or state.direction not in MOVING or not state.due_known:
        return value
    elapsed = state.elapsed(on)
    if elapsed >= 1.0:
        return value
    origin = 0.0 if state.baseline is None else state.baseline
    if state.baseline is None and state.direction == "decrease":
        return value
    return finite(origin + (value - origin) / max(elapsed, EARLIEST))
