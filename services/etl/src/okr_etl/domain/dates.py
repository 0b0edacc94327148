"""Dates as exports write them: by strftime, as a serial of a spreadsheet, as Unix time, as the label of a period.

A day of a source is a day where its people are: an instant becomes one in the column's time zone.
"""

import polars as pl

from okr_common.sources import Column

DATE_FORMATS = ("%Y-%m-%d",)
TIMESTAMP_FORMATS = ("%+",)
"""RFC 3339, with its offset."""
INSTANT_FORMATS = (
    *("%+", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"),
    "%Y-%m-%d %H:%M:%S%.f%#z",
)
"""Where a date is an instant; without an offset it is UTC."""
_EPOCHS = {"excel": "1899-12-30", "excel-1904": "1904-01-01"}
"""Day 0 of a spreadsheet; Excel's is where its days are right from 1900-03-01 on."""
_LAST_SERIAL = 2_958_465
"""Excel's last day, 9999-12-31."""
_UNIX = {"unix": 1_000_000, "unix-ms": 1_000}
"""Microseconds in one of its ticks."""
_LAST = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""
_LABEL = (
    r"(?i)^(?:(?P<part>[QHS][1-4]|[1-4][QH])[\s/-]*)?(?P<kind>FY|GJ|CY|Y)?\s?(?P<short>['\u2019])?"
    r"(?P<year>\d{4}|\d{2})(?:(?P<to>[/-])(?P<next>\d{4}|\d{2}))?(?:[\s/-]*(?P<late>[QHS][1-4]))?$"
)
_LENGTHS = {"Q": 3, "H": 6, "S": 6}
_KINDS = {"Q": "quarter", "H": "half", "S": "half"}
_YEAR, _CENTURY = 12, 100
"""In months, and in years."""


def date(text: pl.Expr, column: Column) -> pl.Expr:
    """The day in a cleaned text; null where no format fits."""
    formats = column.formats or (INSTANT_FORMATS if column.time_zone else DATE_FORMATS)
    return pl.coalesce(_date(text, each, column) for each in formats)


def timestamp(text: pl.Expr, column: Column) -> pl.Expr:
    """The instant in a cleaned text, in UTC."""
    return pl.coalesce(_instant(text, each, column.time_zone or "UTC") for each in column.formats or TIMESTAMP_FORMATS)


def _date(text: pl.Expr, written: str, column: Column) -> pl.Expr:
    if written in _EPOCHS:
        days = text.cast(pl.Float64, strict=False).floor().cast(pl.Int32, strict=False)
        return pl.lit(_EPOCHS[written]).str.to_date() + pl.duration(
            days=pl.when(days.is_between(1, _LAST_SERIAL)).then(days)
        )
    if written == "period":
        return _period(text, column)
    if column.time_zone or written in _UNIX:
        local: pl.Expr = _instant(text, written, "UTC").dt.convert_time_zone(column.time_zone or "UTC")
        return local.dt.date()
    return text.str.to_date(written, strict=False)


def _instant(text: pl.Expr, written: str, naive_zone: str) -> pl.Expr:
    """A clock that names no offset stands in `naive_zone`; of an hour that comes twice it is the first."""
    if written in _UNIX:
        ticks = text.cast(pl.Int64, strict=False)
        sound = ticks.is_between(-_LAST // _UNIX[written], _LAST // _UNIX[written])
        return (pl.when(sound).then(ticks) * _UNIX[written]).cast(pl.Datetime("us", "UTC"))
    parsed = _serial(text, written) if written in _EPOCHS else _parsed(text, written)
    if any(offset in written for offset in ("%+", "%z", "%:z", "%#z")):
        return parsed.dt.convert_time_zone("UTC")
    zoned = parsed.dt.replace_time_zone(naive_zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def _parsed(text: pl.Expr, written: str) -> pl.Expr:
    return text.str.to_datetime(written, time_unit="us", strict=False)


def _serial(text: pl.Expr, written: str) -> pl.Expr:
    """To the second: a spreadsheet's fractions of a day are not exact."""
    days = text.cast(pl.Float64, strict=False)
    seconds = pl.when(days.is_between(1, _LAST_SERIAL + 1, closed="left")).then((days * 86_400).round())
    return _parsed(pl.lit(_EPOCHS[written]), "%Y-%m-%d") + pl.duration(seconds=seconds.cast(pl.Int64))


def _period(text: pl.Expr, column: Column) -> pl.Expr:
    """The first or last day of a quarter, a half or a year."""
    return text.map_batches(
        lambda texts: _parts_of(texts).select(_edge(column)).to_series(), return_dtype=pl.Date, is_elementwise=True
    )


def _parts_of(labels: pl.Series) -> pl.DataFrame:
    """The groups of the pattern as columns: as expressions each use of one would search every label again."""
    return labels.str.extract_groups(_LABEL).struct.unnest()


def _edge(column: Column) -> pl.Expr:
    part = pl.coalesce("part", "late").str.to_uppercase()
    number = part.str.extract(r"(\d)").cast(pl.Int32).fill_null(1)
    length = part.str.extract(r"(\D)").replace_strict(_LENGTHS, default=_YEAR, return_dtype=pl.Int32)
    crosses = pl.col("next").is_not_null()
    fiscal = pl.col("kind").str.to_uppercase().is_in(["FY", "GJ"]).fill_null(value=False) | crosses
    early = fiscal & ~crosses & (column.year_starts > 1) & (column.year_named_after == "end")
    starts = pl.when(fiscal).then(column.year_starts).otherwise(1)
    month = (_full("year") - early.cast(pl.Int32)) * _YEAR + starts - 1 + (number - 1) * length
    first_day = _first_of(month) if column.edge == "start" else _first_of(month + length) - pl.duration(days=1)
    return pl.when(_is_label() & (number * length <= _YEAR)).then(first_day)


def label_kind(text: pl.Expr) -> pl.Expr:
    """Of a label whether it names a `quarter`, a `half` or a `year`; null where it is none.

    >>> labels = pl.DataFrame({"label": ["Q3 Y2025", "FY24 H2", "GJ 24/25-Q1", "2026", "Soon"]})
    >>> labels.select(label_kind(pl.col("label"))).to_series().to_list()
    ['quarter', 'half', 'quarter', 'year', None]
    """
    part = pl.coalesce("part", "late").str.to_uppercase().str.extract(r"(\D)")
    kind = pl.when(_is_label()).then(part.replace_strict(_KINDS, default="year", return_dtype=pl.String))
    return text.map_batches(
        lambda texts: _parts_of(texts).select(kind).to_series(), return_dtype=pl.String, is_elementwise=True
    )


def _is_label() -> pl.Expr:
    """Two digits alone are no year, `2006-07` is a month, and a year is followed by the next one."""
    full = pl.col("year").str.len_chars() > 2  # noqa: PLR2004 - digits
    named = pl.col("kind").is_not_null() | (pl.col("to") == "/").fill_null(value=False)
    quarter_first = pl.col("part").str.contains(r"^\d").fill_null(value=False)  # 3Q25
    known = named | pl.col("short").is_not_null() | ((full | quarter_first) & pl.col("next").is_null())
    short = pl.col("short").is_null() | ~full
    following = (_full("year") + 1) % _CENTURY == _full("next") % _CENTURY
    once = pl.col("part").is_null() | pl.col("late").is_null()
    return known & short & following.fill_null(value=True) & once


def _full(name: str) -> pl.Expr:
    """A year with its century."""
    year = pl.col(name)
    figure = year.cast(pl.Int32)
    return pl.when(year.str.len_chars() == 2).then(figure + 2000).otherwise(figure)  # noqa: PLR2004 - digits


def _first_of(month: pl.Expr) -> pl.Expr:
    """Of months counted from the year 0."""
    return pl.date(month // _YEAR, month % _YEAR + 1, 1)
