"""What validation finds in a file that was read, compared with the files its source had before."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from okr_common.counted import counted
from okr_common.sources import FindingKind, Read, Severity
from okr_ingest_csv.domain.drift import header_drift
from okr_ingest_csv.domain.finding import Finding
from okr_ingest_csv.domain.profile import Profile

SEVERITIES: Mapping[FindingKind, Severity] = {
    "columns_renamed": "warning",
    "columns_added": "information",
    "columns_removed": "warning",
    "columns_reordered": "information",
    "header_names": "information",
    "title_lines": "information",
    "guessed_encoding": "information",
    "row_count": "warning",
    "blank_cells": "warning",
    "duplicate_records": "information",
    "repaired_records": "warning",
    "unreadable_records": "warning",
}
"""Where a source's read block says nothing else. Too many unreadable records are an error anyway."""
FEWER, MORE = 0.5, 2.0
"""A file with a smaller or larger share of the usual number of rows is worth a word."""
MORE_BLANK = 0.3
"""So much more of a column being blank than in the file before is worth a word."""


@dataclass(frozen=True, slots=True)
class Former:
    """A file the source had before: its header, its rows, and how many cells of each column were blank."""

    header: tuple[str, ...]
    rows: int
    blank: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """A file that was read to its end. `unreadable` counts by reason; `known`: rows that the file before had too."""

    header: tuple[str, ...]
    header_line: int
    encoding_guess: str | None
    rows: int
    unreadable: Mapping[str, int]
    profile: Profile
    duplicates: int = 0

    @property
    def damaged(self) -> int:
        """Unreadable records, blank lines not counted."""
        return sum(count for reason, count in self.unreadable.items() if reason != "blank_line")

    @property
    def damaged_share(self) -> float:
        """Of all records, blank lines not counted."""
        records = self.rows + self.damaged
        return self.damaged / records if records else 0.0


def findings_of(file: Summary, formers: Sequence[Former], read: Read) -> list[Finding]:
    """Everything worth a word, the newest of `formers` first; the source's read block says how bad each kind is."""
    found = [
        *_of_reading(file, read),
        *_of_header(file),
        *(header_drift(file.header, formers[0].header) if formers else ()),
        *_of_rows(file, formers),
        *_of_blanks(file, formers),
    ]
    severities = {**SEVERITIES, **read.findings}
    return [one if one.severity else one.rated(severities[one.kind]) for one in found]


def reason_to_stop(findings: Sequence[Finding]) -> Finding | None:
    """The first error: the file is quarantined for it."""
    return next((one for one in findings if one.severity == "error"), None)


def _of_reading(file: Summary, read: Read) -> Iterator[Finding]:
    if file.damaged:
        told = ", ".join(f"{reason} {count:,}" for reason, count in sorted(file.unreadable.items()))
        share = f"{file.damaged:,} of {counted(file.rows + file.damaged, 'record')} ({file.damaged_share:.1%})"
        what = "is no row" if file.damaged == 1 else "are no rows"
        limit = f"the limit is {read.unreadable_limit:.0%}"
        bad: Severity | None = "error" if file.damaged_share > read.unreadable_limit else None
        yield Finding("unreadable_records", f"{share} {what}: {told}; {limit}", severity=bad)
    if file.profile.repaired:
        yield Finding(
            "repaired_records",
            f"{counted(file.profile.repaired, 'row')} had surplus cells, joined as the source allows",
        )
    if file.duplicates:
        repeated = counted(file.duplicates, "row repeats", "rows repeat")
        yield Finding("duplicate_records", f"{repeated} an earlier row of the file, cell for cell")
    if file.encoding_guess is not None:
        yield Finding(
            "guessed_encoding", f"{file.encoding_guess}; say `encoding` in the source's read block to be sure"
        )


def _of_header(file: Summary) -> Iterator[Finding]:
    if file.header_line > 1:
        yield Finding("title_lines", f"the header begins on line {file.header_line}")
    names = Counter(name.strip() for name in file.header)
    odd = [f'"{name}" stands {count} times' for name, count in names.items() if count > 1 and name]
    odd += [counted(names[""], "column has no name", "columns have no name")] if names[""] else []
    if odd:
        yield Finding("header_names", "; ".join(odd))


def _of_rows(file: Summary, formers: Sequence[Former]) -> Iterator[Finding]:
    usual = median(former.rows for former in formers) if formers else 0
    if usual and not FEWER <= file.rows / usual <= MORE:
        yield Finding(
            "row_count",
            f"{counted(file.rows, 'row')}; the last {counted(len(formers), 'file')} had {usual:,.0f} (median)",
        )


def _of_blanks(file: Summary, formers: Sequence[Former]) -> Iterator[Finding]:
    before = _blank_shares(formers[0].header, formers[0].blank, formers[0].rows) if formers else {}
    for name, share in _blank_shares(file.header, file.profile.blank, file.rows).items():
        former = before.get(name, 0.0 if formers else 1 - MORE_BLANK)
        if share == 1 > former or share > former + MORE_BLANK:
            told = f"; {former:.0%} were in the file before" if name in before else ""
            yield Finding("blank_cells", f"{share:.0%} of its cells are blank{told}", column=name)


def _blank_shares(header: Sequence[str], blank: Mapping[int, int], rows: int) -> dict[str, float]:
    return {name.strip(): blank.get(at, 0) / rows for at, name in enumerate(header)} if rows else {}
