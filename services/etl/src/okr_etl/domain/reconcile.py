"""The daily recount: what okr_raw holds of a batch, what its result says, and what really stands in okr_processed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from okr_common.counted import counted

Place = tuple[str, int]
"""A source, and a position in it."""
NO_BATCH = "a result, and no batch in okr_raw"


@dataclass(frozen=True, slots=True)
class Stored:
    """A released batch in okr_raw: how many rows it says it has, and how many are there."""

    source: str
    position: int
    batch_id: int
    rows: int
    found_rows: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a batch, by its newest result, beside what is there.

    `counted` is the sum of its counts, `versions` what was told at its position, of any generation.
    """

    source: str
    position: int
    batch_id: int
    rows: int
    counted: int
    rejected: int
    found_rejected: int
    versions: int
    found_versions: int


@dataclass(frozen=True, slots=True)
class Drift:
    """A batch that does not add up; each of `wrong` says what was expected and what was found."""

    source: str
    position: int
    batch_id: int
    wrong: list[str]

    def __str__(self) -> str:
        """In a sentence."""
        return f"{self.source}, position {self.position}, batch {self.batch_id}: {'; '.join(self.wrong)}"


def drifts(batches: Iterable[Stored], results: Iterable[Result], heads: Mapping[str, int]) -> list[Drift]:
    """Every batch that does not add up. `heads`: up to where each source was applied, read before the results.

    The batches are those from the same positions on, read last: so what is released meanwhile is behind a head, and
    counts as waiting.

    >>> whole = Result("s", 1, 7, rows=3, counted=3, rejected=1, found_rejected=1, versions=4, found_versions=4)
    >>> drifts([Stored("s", 1, 7, 3, 3), Stored("s", 2, 8, 5, 5)], [whole], {"s": 1})
    []
    >>> print(*drifts([Stored("s", 1, 7, 3, 2)], [whole], {"s": 1}))
    s, position 1, batch 7: 3 rows in the batch and 2 in okr_raw
    """
    by_place: dict[Place, Result] = {(one.source, one.position): one for one in results}
    found = []
    for batch in batches:
        result = by_place.pop((batch.source, batch.position), None)
        wrong = [*_wrong(batch, result, is_applied=batch.position <= heads.get(batch.source, 0))]
        found.append(Drift(batch.source, batch.position, batch.batch_id, wrong))
    strays = [Drift(one.source, one.position, one.batch_id, [NO_BATCH]) for one in by_place.values()]
    return sorted((one for one in [*found, *strays] if one.wrong), key=lambda one: (one.source, one.position))


def _wrong(batch: Stored, result: Result | None, *, is_applied: bool) -> Iterator[str]:
    if batch.rows != batch.found_rows:
        yield f"{counted(batch.rows, 'row')} in the batch and {batch.found_rows:,} in okr_raw"
    if result is not None:
        yield from _differences(batch, result)
    elif is_applied:
        yield "applied, and no result"


def _differences(batch: Stored, result: Result) -> Iterator[str]:
    if batch.batch_id != result.batch_id:
        yield f"the result is that of batch {result.batch_id}"
    if batch.rows != result.rows:
        yield f"{counted(batch.rows, 'row')} in the batch and {result.rows:,} in its result"
    if result.rows != result.counted:
        yield f"{counted(result.rows, 'row')} in the result and {result.counted:,} counted"
    if result.rejected != result.found_rejected:
        yield f"{counted(result.rejected, 'row')} rejected and {result.found_rejected:,} kept with reasons"
    if result.versions != result.found_versions:
        yield f"{counted(result.versions, 'version')} in the result and {result.found_versions:,} there"
