"""What a model says of a batch of rows."""

from dataclasses import dataclass

from okr_trainer.domain.numbers import Column


@dataclass(frozen=True, slots=True)
class Scores:
    """Of a batch: log-odds per row, and what each aspect added to them against a typical key result."""

    raw: Column
    aspects: dict[str, Column]
