"""Liveness and readiness as data. Health means progress: a part that is up but does nothing is not well."""

from collections.abc import Callable
from dataclasses import dataclass, field

Check = Callable[[], str | None]
"""Says what is wrong, or None."""


@dataclass
class Health:
    """What the parts of one process say of themselves.

    `live` checks turn red when only a restart can help; `ready` checks while work cannot be taken now.
    """

    live: dict[str, Check] = field(default_factory=dict)
    ready: dict[str, Check] = field(default_factory=dict)

    def not_live(self) -> dict[str, str]:
        """The checks that ask for a restart, each with what is wrong."""
        return _red(self.live)

    def not_ready(self) -> dict[str, str]:
        """The checks that are red, liveness included."""
        return {**_red(self.ready), **_red(self.live)}


def _red(checks: dict[str, Check]) -> dict[str, str]:
    found = {name: check() for name, check in checks.items()}
    return {name: trouble for name, trouble in found.items() if trouble is not None}
