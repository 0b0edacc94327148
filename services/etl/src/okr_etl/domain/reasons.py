"""Why a row is rejected, in codes for counting and in sentences for the person who mends the file."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from okr_common.counted import counted
from okr_common.sources import Column, Mapping
from okr_common.sources.language import DIRECTIONS, METRIC_KINDS
from okr_etl.domain.cells import CHAIN, COUNT, PART, READ
from okr_etl.domain.columns import BLANK_ROW, FIRST_DAY, LAST_DAY, REASONS
from okr_etl.domain.derive import Failure

CODES: dict[str, str] = {
    "too_few_cells": "the row has {cells}, fewer than the header",
    "too_many_cells": "the row has {cells}, and those beyond the header are not blank",
    "row_too_long": "the row is larger than a message may be; shorten its texts",
    BLANK_ROW: "all cells that the mapping reads are blank; delete the row",
    "missing_value": "{origin} is blank; a value is needed",
    "unknown_word": "{origin} reads {read}; the mapping knows {words}",
    "not_an_integer": "{origin} reads {read}; whole numbers look like 12 or -3",
    "not_a_number": "{origin} reads {read}; numbers look like {figures}",
    "out_of_range": "{origin} reads {read}, outside of {range}",
    "not_a_boolean": "{origin} reads {read}; yes, true, 1, x and no, false, 0 are known",
    "not_a_date": "{origin} reads {read}; dates look like {formats}",
    "not_a_timestamp": "{origin} reads {read}; timestamps look like {formats}",
    "date_out_of_range": "{origin} gives {value}, outside " + f"{FIRST_DAY} to {LAST_DAY}",
    "due_before_start": "it is due on {due_on}, before it starts on {start_on}",
    "contradicts_earlier_row": "an earlier row of the file says something else of the same check-in, {key}; that one "
    "counts. Keep one row a check-in, or add to its key what tells them apart",
    "cyclic_parent": "it stands above itself: {chain}; name another parent, or none, in one of these rows",
    "not_derivable": "the mapping's expression fails for this row: {message}",
    "missing_line": "the file is transposed and has no line named {line}{nearest}",
    "transposed_in_parts": "a transposed file must be one batch, and this one was cut into {parts}; raise batch_rows",
}
"""Every reason code, with what is said of a row. After a colon a reason names the column it is about."""
FIGURES = {
    None: "1234.5, 1 234.5 or (500); where a comma is part of them, say `decimal` in the mapping",
    ".": "1,234.5 or (500)",
    ",": "1.234,5 or (500)",
}
WORDS = {
    "excel": "45658",
    "excel-1904": "44196",
    "unix": "1735689600",
    "unix-ms": "1735689600000",
    "period": "Q1 2025 or FY25 H1",
}
"""Of the formats that are words, the first day of 2025 as it is written there, or a quarter and a half."""
READ_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not used: every reason it has, and for each a sentence."""

    row_num: int
    reasons: tuple[str, ...]
    detail: dict[str, str]


def explain(mapping: Mapping, row: MappingOf[str, Any]) -> Rejected:
    """What is wrong with a judged row; of a blank one not each value that it lacks."""
    found = row[REASONS]
    reasons = tuple(one for one in found if BLANK_ROW not in found or not one.startswith("missing_value:"))
    return Rejected(row["row_num"], reasons, {reason: _sentence(mapping, row, reason) for reason in reasons})


def merged(rejected: Sequence[Rejected]) -> list[Rejected]:
    """One for each row: of a wide row all that is wrong with any of its parts; ordered as they come."""
    found: dict[int, Rejected] = {}
    for one in rejected:
        before = found.get(one.row_num, Rejected(one.row_num, (), {}))
        reasons = tuple(dict.fromkeys((*before.reasons, *one.reasons)))
        told = {reason: _both(before.detail.get(reason, ""), one.detail.get(reason, "")) for reason in reasons}
        found[one.row_num] = Rejected(one.row_num, reasons, told)
    return list(found.values())


def _both(first: str, second: str) -> str:
    """What is said of a row with one reason by two of its parts: all of it, and nothing twice.

    >>> _both("KR1 is blank", "KR2 is blank"), _both("Goal is blank", "Goal is blank"), _both("", "Goal is blank")
    ('KR1 is blank; KR2 is blank', 'Goal is blank', 'Goal is blank')
    """
    return first if second in first else "; ".join(filter(None, (first, second)))


def underivable(failure: Failure) -> Rejected:
    """A row for which an expression of the mapping fails."""
    reason = f"not_derivable:{failure.column}"
    return Rejected(failure.row_num, (reason,), {reason: CODES["not_derivable"].format(message=failure.message)})


def contradicting(row_num: int, key: str) -> Rejected:
    """A row that says something else of a check-in than a row before it."""
    reason = "contradicts_earlier_row"
    return Rejected(row_num, (reason,), {reason: CODES[reason].format(key=key)})


def _sentence(mapping: Mapping, row: MappingOf[str, Any], reason: str) -> str:
    code, _, name = reason.partition(":")
    column = mapping.columns.get(name)
    start_on, due_on = _days(mapping, name)
    return CODES[code].format(
        cells=counted(row.get(COUNT) or 0, "cell"),
        chain=row.get(CHAIN),
        origin=column.origin.replace("{n}", str(row[PART])) if column else name,
        read=_quoted(row.get(READ + name, row.get(name))),
        figures=FIGURES[column.decimal if column else None],
        range=_range(column),
        value=row.get(name),
        words=", ".join(column.map if column and column.map else _words_of(mapping, name)),
        formats=_formats(column),
        due_on=row.get(due_on),
        start_on=row.get(start_on),
    )


def _days(mapping: Mapping, name: str) -> tuple[str, str]:
    """The columns with the first and last day of what a reason names."""
    period = mapping.entities.objective.period
    if name == "period" and period:
        return period.start_on or "", period.end_on or ""
    entity = "objective" if name == "objective" else "key_result"
    return f"{entity}.start_on", f"{entity}.due_on"


def _formats(column: Column | None) -> str:
    """How a day or a time is to be written.

    >>> _formats(Column(**{"from": "due", "type": "date"})), _formats(Column(**{"from": "at", "type": "timestamp"}))
    ('2017-01-31', '2017-01-31T12:00:00Z')
    >>> _formats(Column(**{"from": "due", "type": "date", "formats": ["%d.%m.%Y", "period"]}))
    '%d.%m.%Y or Q1 2025 or FY25 H1'
    >>> _formats(Column(**{"from": "at", "type": "timestamp", "formats": ["%d.%m.%Y %H:%M"], "time_zone": "Asia/Baku"}))
    '%d.%m.%Y %H:%M, at an hour that the clocks of Asia/Baku do not skip'
    """
    if column is None:
        return "2017-01-31"
    instant = column.type == "timestamp" or column.time_zone is not None
    written = " or ".join(WORDS.get(one, one) for one in column.formats) or (
        "2017-01-31T12:00:00Z" if instant else "2017-01-31"
    )
    naive = column.type == "timestamp" and column.time_zone is not None
    return f"{written}, at an hour that the clocks of {column.time_zone} do not skip" if naive else written


def _range(column: Column | None) -> str:
    """What a figure may be.

    >>> _range(Column(**{"from": "pct", "type": "number", "lowest": 0, "highest": 100}))
    '0 to 100'
    """
    ends = (column.lowest, column.highest) if column else (None, None)
    return " to ".join("..." if end is None else f"{end:g}" for end in ends)


def _words_of(mapping: Mapping, name: str) -> Sequence[str]:
    """What a derived direction or metric kind may read."""
    return DIRECTIONS if name == mapping.entities.key_result.direction else METRIC_KINDS


def _quoted(text: object) -> str:
    shown = str(text)
    return f'"{shown[:READ_CHARACTERS]}{"..." if len(shown) > READ_CHARACTERS else ""}"'
