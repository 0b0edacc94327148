"""From file to prediction: how long each row took, from the moment its file was complete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from okr_cli.demo.metrics import quantile


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds over the rows of one file or of several."""

    rows: int
    p50: float
    p95: float
    slowest: float


def took(dropped: datetime, predicted: Sequence[datetime]) -> list[float]:
    """Seconds from the drop to each prediction."""
    return [(at - dropped).total_seconds() for at in predicted]


def summary(seconds: Sequence[float]) -> Took:
    """Median and tail."""
    ordered = sorted(seconds)
    return Took(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.95), ordered[-1])


def summaries(by_file: Mapping[str, Sequence[float]]) -> dict[str, Took]:
    """Each file's, and that of all rows together."""
    told = {name: summary(seconds) for name, seconds in by_file.items() if seconds}
    return told | {"all rows": summary([one for seconds in by_file.values() for one in seconds])}
