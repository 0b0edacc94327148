"""The newest predictions whose outcome is known: what a version is measured by, so that it always costs the same.

Figures and their intervals cost time with each row, and a model that has lived long has any number of them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from okr_trainer.domain.evaluation import Scored, summary
from okr_trainer.domain.risk import CutPoints, chosen

MOST = 5_000
"""Rows beside a version. The stream stands still while one is made, and of these its tables take under a second."""


class Window(NamedTuple):
    """Whole key results, those that ended last. `of`: how many rows there are in all."""

    rows: Sequence[Scored]
    of: int

    @property
    def cut_points(self) -> CutPoints | None:
        """By which these would have been put into risk bands."""
        return chosen([row.probability for row in self.rows], len({row.key_result_id for row in self.rows}))

    @property
    def said(self) -> dict[str, int]:
        """As it stands beside the tables: `n` rows of `of`."""
        return {"n": len(self.rows), "of": self.of}


def newest(rows: Sequence[Scored], of: int, most: int = MOST) -> Window:
    """At most so many. `rows`, the last of `of`, stand in the order in which their outcomes became known."""
    if of <= most:
        return Window(rows, of)
    last = rows[-most:]
    whole = next((place for place, row in enumerate(last) if row.key_result_id != last[0].key_result_id), 0)
    return Window(last[whole:], of)


def measured(window: Window) -> dict[str, Any]:
    """What stands beside a version: `summary` of the window, and which part of all that is."""
    return {**summary(window.rows), "window": window.said}
