"""What is known of the file, and what the system must therefore say. The demo fails where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass

KNOWN: Mapping[str, int] = {
    "records": 9_213,
    "lines": 9_453,
    "unreadable": 0,
    "rejected": 0,
    "indicators": 86,
    "key results": 814,
    "check-ins": 9_213,
    "rows with target 0, which means no target": 823,
    "key results whose target changed (from and to 0 counted)": 104,
    "key results whose target changed (without those)": 55,
    "outcomes": 635,
    "outcomes achieved": 112,
}
"""Counted from the published file by hand (samples/mta_nyct/ORIGIN.md), in the order of the story."""

HISTORY_ROWS = 8_160
LATEST_ROWS = 46


@dataclass(frozen=True, slots=True)
class Checked:
    """One figure: what is known, what the system found."""

    name: str
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        """Whether they are the same."""
        return self.expected == self.found


def check(found: Mapping[str, int], known: Mapping[str, int] = KNOWN) -> list[Checked]:
    """Every known figure beside what was found.

    >>> [one.agrees for one in check({"records": 1}, {"records": 1})]
    [True]
    """
    return [Checked(name, expected, found[name]) for name, expected in known.items()]
