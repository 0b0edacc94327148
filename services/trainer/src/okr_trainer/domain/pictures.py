"""What a report draws: how a model came to be as good as it is, and how far its probabilities can be trusted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from okr_trainer.domain.evaluation import Scored, columns, predictors
from okr_trainer.domain.numbers import Column
from okr_trainer.domain.reliability import diagram
from okr_trainer.domain.sums import surprise

POINTS = 60
WINDOW = 200
"""Outcomes: few enough to show a change, enough not to jump."""


def pictures(rows: Sequence[Scored]) -> dict[str, Any]:
    """`learning` and `calibration`; nothing to draw where nothing is scored."""
    if not rows:
        return {"learning": {"window": WINDOW, "outcomes": [], "ended": [], "predictors": {}}, "calibration": None}
    outcomes = np.array([row.achieved for row in rows], dtype=np.float64)
    said = np.array([row.probability for row in rows])
    return {
        "learning": learning_curve(rows),
        "calibration": diagram(outcomes, said, [row.key_result_id for row in rows]),
    }


def learning_curve(rows: Sequence[Scored]) -> dict[str, Any]:
    """Log loss over the outcomes in the order in which they became known: of all so far, and of the last `window`.

    Each key result counts once. Of every predictor that always answered, at up to sixty places along the way.
    """
    ordered = sorted(rows, key=lambda row: (row.ended, row.key_result_id, row.day))
    names = list(dict.fromkeys(row.key_result_id for row in ordered))
    ended = {row.key_result_id: row.ended for row in ordered}
    ends = np.unique(np.linspace(1, len(names), min(POINTS, len(names))).astype(np.int64))
    said = {name: columns(ordered, name) for name in predictors(ordered)}
    return {
        "window": WINDOW,
        "outcomes": ends.tolist(),
        "ended": [ended[names[end - 1]].date().isoformat() for end in ends],
        "predictors": {
            name: _along(_loss_by_key_result(there, probabilities), ends)
            for name, (there, probabilities) in said.items()
            if len(there) == len(rows)
        },
    }


def _loss_by_key_result(rows: Sequence[Scored], probabilities: Column) -> Column:
    """Each one's mean log loss, in the order in which they ended."""
    place = {name: number for number, name in enumerate(dict.fromkeys(row.key_result_id for row in rows))}
    owner = np.array([place[row.key_result_id] for row in rows])
    outcomes = np.array([row.achieved for row in rows], dtype=np.float64)
    weights = 1.0 / np.bincount(owner)[owner]
    losses = np.bincount(owner, weights * surprise(outcomes, probabilities))
    return losses.astype(np.float64)


def _along(losses: Column, ends: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, list[float]]:
    added = np.concatenate([[0.0], np.cumsum(losses)])
    begins = np.maximum(0, ends - WINDOW)
    so_far, lately = added[ends] / ends, (added[ends] - added[begins]) / (ends - begins)
    return {"so_far": so_far.round(5).tolist(), "lately": lately.round(5).tolist()}
