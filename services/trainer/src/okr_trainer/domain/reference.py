"""What features looked like in training, to measure drift against: cuts into tenths, and the share in each part."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from okr_trainer.domain.features import NAMES, WORDS, Features

TENTHS = np.arange(1, 10) / 10
_ALL = itemgetter(*NAMES)


@dataclass(slots=True)
class Reference:
    """Collects the features of check-ins. `numbers`: of one row after the other, in the order of NAMES."""

    numbers: "array[float]" = field(default_factory=lambda: array("d"))
    words: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in WORDS})

    def add(self, x: Features) -> None:
        """One more row."""
        self.numbers.extend(_ALL(x))
        for name, counts in self.words.items():
            counts[str(x[name])] += 1

    def summary(self) -> dict[str, Any]:
        """Per number: `cuts` (fewer where values repeat) and `shares` of the parts between them; per word its share."""
        if not self.numbers:
            return {}
        table = np.frombuffer(self.numbers).reshape(-1, len(NAMES))
        numbers = {name: _cut(column) for name, column in zip(NAMES, table.T, strict=True)}
        words = {
            name: {"shares": {word: round(count / counts.total(), 6) for word, count in sorted(counts.items())}}
            for name, counts in self.words.items()
        }
        return numbers | words


def _cut(values: Any) -> dict[str, list[float]]:  # noqa: ANN401 - numpy's view of a buffer
    cuts = np.unique(np.quantile(values, TENTHS))
    shares = np.bincount(np.searchsorted(cuts, values, side="left"), minlength=len(cuts) + 1) / len(values)
    return {"cuts": [round(float(cut), 6) for cut in cuts], "shares": [round(float(share), 6) for share in shares]}
