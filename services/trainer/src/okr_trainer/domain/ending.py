"""How a key result ended, in a word and in a sentence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

How = Literal["achieved", "missed", "dropped", "gone"]
_SENTENCES: dict[How, str] = {
    "achieved": "it was achieved",
    "missed": "it was missed",
    "dropped": "it was dropped",
    "gone": "its source says it no more",
}


@dataclass(frozen=True, slots=True)
class Last:
    """What was last said of it while it was open; `probability` None: nobody could judge it."""

    probability: float | None
    risk: str | None
    known: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Ending:
    """`known`: when it became known. `final_value` and `target` None: nothing was measured, it is just gone."""

    how: How
    known: datetime
    final_value: float | None = None
    target: float | None = None
    last: Last | None = None

    @property
    def sentence(self) -> str:
        """As a person reads it.

        >>> from datetime import UTC
        >>> last = Last(0.25, "high", datetime(2017, 6, 30, tzinfo=UTC), 1)
        >>> Ending("missed", datetime(2017, 12, 31, tzinfo=UTC), 96.0, 100.0, last).sentence
        'it was missed, at 96 of a target of 100, known since 2017-12-31; last predicted 25% (high risk) on 2017-06-30'
        """
        said = _SENTENCES[self.how]
        if self.how != "gone" and self.final_value is not None and self.target is not None:
            said += f", at {self.final_value:g} of a target of {self.target:g}"
        said += f", known since {self.known:%Y-%m-%d}"
        if self.last is None or self.last.probability is None:
            return said + "; nothing was predicted of it"
        return (
            said + f"; last predicted {self.last.probability:.0%} ({self.last.risk} risk) on {self.last.known:%Y-%m-%d}"
        )


def how(achieved: bool | None) -> How:  # noqa: FBT001 - an outcome's own three values
    """What an outcome says; None: it was dropped."""
    return "dropped" if achieved is None else "achieved" if achieved else "missed"
