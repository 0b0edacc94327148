"""Dates as exports write them, cell by cell."""

from datetime import date, datetime

import polars as pl
import pytest

from okr_common.sources import Column
from okr_etl.domain import dates


def read(text: str, kind: str = "date", **column: object) -> date | datetime | None:
    made = Column.model_validate({"from": "x", "type": kind, **column})
    of = dates.date if kind == "date" else dates.timestamp
    value: date | datetime | None = pl.DataFrame({"x": [text]}).select(of(pl.col("x"), made)).item()
    return value


MIXED = ["%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d"]
LABELS = {
    "Q3 Y2025": ("2025-07-01", "2025-09-30"),
    "Q1 2024": ("2024-01-01", "2024-03-31"),
    "2024 Q1": ("2024-01-01", "2024-03-31"),
    "2024-Q4": ("2024-10-01", "2024-12-31"),
    "q2/2024": ("2024-04-01", "2024-06-30"),
    "H2 2023": ("2023-07-01", "2023-12-31"),
    "2023-H1": ("2023-01-01", "2023-06-30"),
    "S1 2023": ("2023-01-01", "2023-06-30"),
    "2024": ("2024-01-01", "2024-12-31"),
    "CY2024": ("2024-01-01", "2024-12-31"),
    "FY24": ("2023-07-01", "2024-06-30"),
    "FY24 H2": ("2024-01-01", "2024-06-30"),
    "FY2024 Q1": ("2023-07-01", "2023-09-30"),
    "Q4 FY24": ("2024-04-01", "2024-06-30"),
    "GJ 24/25-Q1": ("2024-07-01", "2024-09-30"),
    "GJ 24/25-Q3": ("2025-01-01", "2025-03-31"),
    "GJ 24/25": ("2024-07-01", "2025-06-30"),
    "2024/25": ("2024-07-01", "2025-06-30"),
    "2024/2025-Q2": ("2024-10-01", "2024-12-31"),
}
NO_LABELS = [
    "",
    "24",
    "Q5 2024",
    "Q0 2024",
    "H3 2024",
    "Q3",
    "Backlog",
    "Q1 2024 Q2",
    "2024-07",
    "FY",
    "3/2024",
    "20245",
    "S4 2023",
]


@pytest.mark.parametrize("label", LABELS)
def test_periods(label: str) -> None:
    """The fiscal year begins in July, and is named after the year it ends in."""
    days = [str(read(label, formats=["period"], edge=edge, year_starts=7)) for edge in ("start", "end")]
    assert tuple(days) == LABELS[label]


@pytest.mark.parametrize("label", NO_LABELS)
def test_what_is_no_period(label: str) -> None:
    assert read(label, formats=["period"], edge="end") is None


@pytest.mark.parametrize(("named_after", "day"), [("start", "2024-07-01"), ("end", "2023-07-01")])
def test_a_fiscal_year_is_named_after_either_year(named_after: str, day: str) -> None:
    assert str(read("FY24", formats=["period"], edge="start", year_starts=7, year_named_after=named_after)) == day


def test_a_fiscal_year_from_january_on_is_the_calendar_year() -> None:
    assert str(read("FY24 Q2", formats=["period"], edge="start")) == "2024-04-01"


@pytest.mark.parametrize(
    ("text", "day"),
    {
        "31/05/2010": "2010-05-31",
        "31.07.2020": "2020-07-31",
        "2014-07-08": "2014-07-08",
        "29/02/2024": "2024-02-29",
        "29/02/2023": None,
        "31-Sep-25": None,
        "No end date": None,
        "": None,
    }.items(),
)
def test_several_formats_in_one_column(text: str, day: str | None) -> None:
    found = read(text, formats=MIXED)
    assert (found and str(found)) == day


@pytest.mark.parametrize(
    ("text", "format_", "day"),
    [
        ("45292", "excel", "2024-01-01"),
        ("45292.75", "excel", "2024-01-01"),
        ("61", "excel", "1900-03-01"),
        ("43830", "excel-1904", "2024-01-01"),
        ("1704067200", "unix", "2024-01-01"),
        ("1704067200000", "unix-ms", "2024-01-01"),
        ("0", "excel", None),
        ("-5", "excel", None),
        ("99999999", "excel", None),
        ("soon", "excel", None),
        ("soon", "unix", None),
        ("1e3", "unix", None),
    ],
)
def test_serials_and_unix_time(text: str, format_: str, day: str | None) -> None:
    found = read(text, formats=[format_])
    assert (found and str(found)) == day


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2023-08-27 22:00:00", "Europe/Zurich", "2023-08-28"),  # a local midnight, stored as UTC
        ("2021-03-31T21:59:59.000Z", "Europe/Zurich", "2021-03-31"),
        ("2021-03-31T22:00:00Z", "Europe/Zurich", "2021-04-01"),
        ("2021-12-31T23:00:00Z", "Europe/Zurich", "2022-01-01"),
        ("2024-01-01T03:00:00Z", "America/New_York", "2023-12-31"),
        ("2024-01-01T00:00:00+09:00", "Asia/Tokyo", "2024-01-01"),
        ("2024-01-01", "Asia/Tokyo", None),
    ],
)
def test_an_instant_is_a_day_where_the_people_are(text: str, zone: str, day: str | None) -> None:
    found = read(text, time_zone=zone)
    assert (found and str(found)) == day


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2024-07-01 12:00", "Europe/Zurich", "2024-07-01 10:00:00+00:00"),
        ("2024-01-01 12:00", "Europe/Zurich", "2024-01-01 11:00:00+00:00"),
        ("2024-10-27 02:30", "Europe/Zurich", "2024-10-27 00:30:00+00:00"),  # comes twice: the first
        ("2024-03-31 02:30", "Europe/Zurich", None),  # never was
        ("2024-07-01 12:00", None, "2024-07-01 12:00:00+00:00"),
    ],
)
def test_a_clock_that_names_no_zone(text: str, zone: str | None, instant: str | None) -> None:
    found = read(text, "timestamp", formats=["%Y-%m-%d %H:%M"], **({"time_zone": zone} if zone else {}))
    assert (found and str(found)) == instant
