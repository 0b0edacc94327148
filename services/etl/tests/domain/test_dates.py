"""Dates as exports write them, cell by cell."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    "Q3Y2025": ("2025-07-01", "2025-09-30"),
    "2025Q3": ("2025-07-01", "2025-09-30"),
    "Q1 - 2024": ("2024-01-01", "2024-03-31"),
    "3Q25": ("2025-07-01", "2025-09-30"),
    "4Q 2025": ("2025-10-01", "2025-12-31"),
    "1H25": ("2025-01-01", "2025-06-30"),
    "Q3'25": ("2025-07-01", "2025-09-30"),
    "Q3 \u201925": ("2025-07-01", "2025-09-30"),
    "FY'25 Q1": ("2024-07-01", "2024-09-30"),
    "FY25Q3": ("2025-01-01", "2025-03-31"),
    "H2 FY24": ("2024-01-01", "2024-06-30"),
    "FY25/Q3": ("2025-01-01", "2025-03-31"),
    "FY25-26": ("2025-07-01", "2026-06-30"),
    "FY2025-26 Q1": ("2025-07-01", "2025-09-30"),
    "FY 2025/26": ("2025-07-01", "2026-06-30"),
    "GJ 2024/2025 Q1": ("2024-07-01", "2024-09-30"),
    "GJ 23/24 - Q2": ("2023-10-01", "2023-12-31"),
    "GJ 24/25-H2": ("2025-01-01", "2025-06-30"),
    "99/00": ("2099-07-01", "2100-06-30"),
    "FY00": ("1999-07-01", "2000-06-30"),
    "Y25": ("2025-01-01", "2025-12-31"),
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
    "24/26",  # no year after 24
    "24/23",
    "2024/26",
    "FY25-24",
    "2024-25",  # as 2024-07, it may be a month
    "2024-2025",
    "Q3 25",
    "Q3'2025",
    "5Q25",
    "3H 2025",
    "Q1, 2024",
    "Q 3 2025",
    "FY24 Q4 H2",
    "GJ 24/25-Q5",
    "T1 2024",
    "1. Quartal 2024",
    "Jan 2024",
    "W12 2024",
    "Q1 2024 (closed)",
    "\uff313 2025",
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
        "1.2.2024": "2024-02-01",
        "31.04.2024": None,
        "29.02.1900": None,
        "29.02.2000": "2000-02-29",
        "2024-13-01": None,
        "2024-00-10": None,
        "2024-01-05x": None,
        "2024-01-05T00:00:00": None,
        "20240105": None,
        "10000-01-01": None,
        "31/12/2024 ": None,  # cells are cleaned before
    }.items(),
)
def test_several_formats_in_one_column(text: str, day: str | None) -> None:
    found = read(text, formats=MIXED)
    assert (found and str(found)) == day


@pytest.mark.parametrize(
    ("text", "format_", "day"),
    [
        ("31.12.99", "%d.%m.%y", "1999-12-31"),
        ("31.12.68", "%d.%m.%y", "2068-12-31"),
        ("5 jan 2024", "%d %b %Y", "2024-01-05"),
        ("05 January 2024", "%d %B %Y", "2024-01-05"),
        ("Jan 5, 2024", "%b %d, %Y", "2024-01-05"),
        ("Mai 5, 2024", "%b %d, %Y", None),
        ("Fri, 05 Jan 2024", "%a, %d %b %Y", "2024-01-05"),
        ("Mon, 05 Jan 2024", "%a, %d %b %Y", None),  # it was a Friday
        ("20240105", "%Y%m%d", "2024-01-05"),
        ("13/01/2024", "%m/%d/%Y", None),
        ("2024-01-05T23:59:59-11:00", "%+", "2024-01-05"),  # without a zone of the column: as written
    ],
)
def test_a_format_of_the_mapping(text: str, format_: str, day: str | None) -> None:
    found = read(text, formats=[format_])
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
        ("2958465", "excel", "9999-12-31"),
        ("2958466", "excel", None),
        ("nan", "excel", None),
        ("inf", "excel", None),
        ("45292,75", "excel", None),
        ("-1", "unix", "1969-12-31"),
        ("1704067200.5", "unix", None),
        ("253402300799", "unix", "9999-12-31"),
        ("253402300800", "unix", None),
        ("9223372036854775807", "unix", None),
        ("9223372036854775807", "unix-ms", None),
        ("-9223372036854775808", "unix-ms", None),
        ("99999999999999999999", "unix", None),
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
        ("2023-08-27 22:00:00.000000", "Europe/Zurich", "2023-08-28"),
        ("2023-08-27 22:00:00+00", "Europe/Zurich", "2023-08-28"),  # as PostgreSQL writes it
        ("2023-08-27T22:00:00.000+0000", "Europe/Zurich", "2023-08-28"),
        ("2023-08-27T22:00", "Europe/Zurich", "2023-08-28"),
        ("2023-08-27 21:59", "Europe/Zurich", "2023-08-27"),
        ("2024-12-31T12:30:00Z", "Pacific/Kiritimati", "2025-01-01"),
        ("2011-12-30T10:00:00Z", "Pacific/Apia", "2011-12-31"),  # where there was no 30th
        ("2024-02-30T00:00:00Z", "UTC", None),
        ("2024-01-01T00:00:00", "America/St_Johns", "2023-12-31"),
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
        ("2024-07-01 24:00", None, None),
        ("2024-07-01", None, None),
    ],
)
def test_a_clock_that_names_no_zone(text: str, zone: str | None, instant: str | None) -> None:
    found = read(text, "timestamp", formats=["%Y-%m-%d %H:%M"], **({"time_zone": zone} if zone else {}))
    assert (found and str(found)) == instant


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("45292.75", None, "2024-01-01 18:00:00+00:00"),
        ("45292.75", "Europe/Zurich", "2024-01-01 17:00:00+00:00"),
        ("45200.0104166667", None, "2023-10-01 00:15:00+00:00"),
        ("45292", None, "2024-01-01 00:00:00+00:00"),
        ("2958465.999", None, "9999-12-31 23:58:34+00:00"),
        ("2958466", None, None),
        ("0.5", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("soon", None, None),
    ],
)
def test_a_serial_of_a_spreadsheet_tells_the_time_of_day(text: str, zone: str | None, instant: str | None) -> None:
    found = read(text, "timestamp", formats=["excel"], **({"time_zone": zone} if zone else {}))
    assert (found and str(found)) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-07-01T12:00:00Z", "2024-07-01 12:00:00+00:00"),
        ("2024-07-01T12:00:00.123456+02:00", "2024-07-01 10:00:00.123456+00:00"),
        ("2024-07-01 12:00:00Z", "2024-07-01 12:00:00+00:00"),
        ("2024-07-01T12:00:00-00:00", "2024-07-01 12:00:00+00:00"),
        ("2024-07-01T12:00:00", None),
        ("2024-07-01T12:00Z", None),
    ],
)
def test_without_a_format_a_timestamp_names_its_offset(text: str, instant: str | None) -> None:
    found = read(text, "timestamp")
    assert (found and str(found)) == instant


FORMATS = ["%Y-%m-%d", "%d.%m.%y", "%+", "excel", "excel-1904", "unix", "unix-ms", "period"]
ODD = st.text() | st.text("0123456789QHFYGJ -/.:TZ+'", max_size=20)


@given(ODD, st.lists(st.sampled_from(FORMATS), min_size=1), st.sampled_from(["start", "end"]), st.integers(1, 12))
def test_any_text_is_a_day_or_none(text: str, formats: list[str], edge: str, year_starts: int) -> None:
    made = Column.model_validate(
        {"from": "x", "type": "date", "formats": formats, "edge": edge, "year_starts": year_starts}
    )
    found = pl.DataFrame({"x": [text]}).select(dates.date(pl.col("x"), made))
    assert found.dtypes == [pl.Date]
    assert found.height == 1


@given(ODD, st.sampled_from([None, "Europe/Zurich", "Asia/Kathmandu"]), st.sampled_from(["%+", *FORMATS[3:7]]))
def test_any_text_is_an_instant_or_none(text: str, zone: str | None, written: str) -> None:
    made = Column.model_validate({"from": "x", "type": "timestamp", "time_zone": zone, "formats": [written]})
    assert pl.DataFrame({"x": [text]}).select(dates.timestamp(pl.col("x"), made)).height == 1


@given(st.integers(1970, 2099), st.sampled_from(["Q1", "Q2", "Q3", "Q4", "H1", "H2", ""]), st.integers(1, 12))
def test_the_parts_of_a_fiscal_year_meet_without_gaps(year: int, part: str, year_starts: int) -> None:
    label = f"FY{year} {part}".strip()
    first, last = (read(label, formats=["period"], edge=edge, year_starts=year_starts) for edge in ("start", "end"))
    assert first is not None
    assert last is not None
    months = {"Q": 3, "H": 6, "": 12}[part[:1]]
    assert (last + timedelta(days=1)).month == (first.month - 1 + months) % 12 + 1
    whole = read(f"FY{year}", formats=["period"], edge="start", year_starts=year_starts)
    assert (whole == first) == (part in {"Q1", "H1", ""})


@given(st.dates(date(1900, 3, 1)), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y%m%d"]))
def test_a_day_comes_back_as_it_was_written(day: date, written: str) -> None:
    assert read(day.strftime(written), formats=[written]) == day
    assert read(str((day - date(1899, 12, 30)).days), formats=["excel"]) == day
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert read(str(int(noon.timestamp())), formats=["unix"]) == day
