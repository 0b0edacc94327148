"""What the oracle says: for each check how much it looked at, and what does not add up."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN = 20
"""Findings of one check that are kept; the others are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up: where, what should be, what is."""

    where: str
    expected: str
    found: str


@dataclass(slots=True)
class Check:
    """One sentence that must hold. `examined` counts what it was held against; `wrong` counts all findings."""

    name: str
    says: str
    examined: int = 0
    wrong: int = 0
    findings: list[Finding] = field(default_factory=list)

    def find(self, where: object, expected: object, found: object) -> None:
        """Note one thing that does not add up."""
        self.wrong += 1
        if len(self.findings) < SHOWN:
            self.findings.append(Finding(str(where), str(expected), str(found)))

    def must_be(self, where: object, expected: object, found: object) -> None:
        """Look at one thing."""
        self.examined += 1
        if expected != found:
            self.find(where, expected, found)


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one look."""

    checks: tuple[Check, ...]

    @property
    def clean(self) -> bool:
        """Whether everything adds up."""
        return not any(check.wrong for check in self.checks)

    @property
    def examined(self) -> int:
        """How many things were looked at."""
        return sum(check.examined for check in self.checks)

    @property
    def wrong(self) -> int:
        """How many things do not add up."""
        return sum(check.wrong for check in self.checks)


def dense(check: Check, where: str, numbers: Iterable[int], last: int) -> None:
    """The numbers must be 1, 2, .. last, each once.

    >>> check = Check("dense", "positions have no holes")
    >>> dense(check, "mta", [1, 3], 3); check.findings[0].expected
    '2'
    """
    expected = 1
    for number in numbers:
        check.must_be(f"{where} {number}", expected, number)
        expected = number + 1
    if expected != last + 1:
        check.find(where, f"the last is {last}", f"the last is {expected - 1}")
