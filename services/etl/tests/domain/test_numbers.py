"""Figures as people write them, cell by cell: what each means, or that it is none."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.cleaning import clean
from okr_common.sources import Column
from okr_etl.domain.numbers import integer, number


def read(text: str, kind: str = "number", **column: object) -> float | None:
    made = Column.model_validate({"from": "x", "type": kind, **column})
    of = number if kind == "number" else integer
    value: float | None = pl.DataFrame({"x": [clean(text).text]}).select(of(pl.col("x"), made)).item()
    return value


ANY_MARK: dict[str, float | None] = {
    "0": 0,
    "7": 7,
    "-7": -7,
    "+7": 7,
    "007": 7,
    "12.5": 12.5,
    "-12.5": -12.5,
    ".5": 0.5,
    "5.": 5,
    "1E+05": 100_000,
    "1e-3": 0.001,
    "1.5e3": 1500,
    " 42 ": 42,
    "42\u00a0": 42,
    "\u221242": -42,
    "\u201342": -42,
    "(500)": -500,
    "( 500 )": -500,
    "500-": -500,
    "500 -": -500,
    "1 234": 1234,
    "1 234.56": 1234.56,
    "1\u00a0234\u00a0567.8": 1_234_567.8,
    "1\u202f234": 1234,
    "1'234.56": 1234.56,
    "1\u2019234\u2019567": 1_234_567,
    "12 %": 12,
    "12%": 12,
    "0.00%": 0,
    "-3.5 %": -3.5,
    "(3.5%)": -3.5,
    "5k": 5000,
    "5K": 5000,
    "5 k": 5000,
    "1.2M": 1_200_000,
    "3bn": 3e9,
    "-2.5k": -2500,
    "£12": 12,
    "£ 12.50": 12.5,
    "-£12.50": -12.5,
    "£-12.50": -12.5,
    "(£12.50)": -12.5,
    "€1 234.50": 1234.5,
    "12 €": 12,
    "$5k": 5000,
    "US$ 7": 7,
    "CHF 1'234.50": 1234.5,
    "1234.50 CHF": 1234.5,
    "EUR12": 12,
    "kr 100": 100,
    "100 kr": 100,
    "zł 5": 5,
    "\u20b9 9": 9,
    "1234567890123": 1_234_567_890_123,
    "0.1": 0.1,
    "1,234": None,
    "1,234.56": None,
    "1.234,56": None,
    "1 23": None,
    "12 34": None,
    "1 2345": None,
    "1'23": None,
    "-(500)": None,
    "(500": None,
    "500)": None,
    "-500-": None,
    "--5": None,
    "5-3": None,
    "": None,
    "-": None,
    "+": None,
    ".": None,
    "%": None,
    "k": None,
    "£": None,
    "abc": None,
    "12abc": None,
    "12 apples": None,
    "TBD": None,
    "N/A": None,
    "NaN": None,
    "nan": None,
    "inf": None,
    "-inf": None,
    "Infinity": None,
    "\u221e": None,
    "#REF!": None,
    "#DIV/0!": None,
    "1e999": None,
    "0x10": None,
    "1_000": None,
    "1.2.3": None,
    "1..2": None,
    "12 %%": None,
    "5kk": None,
    "5m": None,
    "Exempt under Section 43": None,
    "Reset": None,
    "2017-01-31": None,
    "10:30": None,
    "1/2": None,
    "\u00bd": None,
    "=1+1": None,
    "12;13": None,
    "5 USD EUR": None,
    "true": None,
}
POINT: dict[str, float | None] = {
    "1,234": 1234,
    "1,234.56": 1234.56,
    "-1,234,567.89": -1_234_567.89,
    "£1,234.56": 1234.56,
    "9,999.99": 9999.99,
    "(1,234)": -1234,
    "1,234-": -1234,
    "1,234.5k": 1_234_500,
    "450.37": 450.37,
    "1.234": 1.234,
    "1 234.5": 1234.5,
    "12,34": None,
    "1,2345": None,
    "1,234,56": None,
    "1.234,56": None,
    ",5": None,
    "1,,234": None,
    "1,234 567": None,
}
COMMA: dict[str, float | None] = {
    "1.234,56": 1234.56, "1.234": 1234, "1.234.567": 1_234_567, "12,5": 12.5, "-12,5": -12.5, ",5": 0.5, "7": 7,
    "1 234,56": 1234.56, "1'234,5": 1234.5, "12,5 %": 12.5, "1.234,5 €": 1234.5, "(1.234,5)": -1234.5,
    "1.234,5-": -1234.5, "5,5k": 5500, "0,1": 0.1, "1\u00a0234,5": 1234.5,
    "1.5": None, "12.34": None, "1,234.56": None, "1.23,4": None, "1,2,3": None, "1e5": None, "1.2345": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "means"), ANY_MARK.items())
def test_without_a_decimal_mark_a_point_is_one_and_a_comma_is_no_figure(text: str, means: float | None) -> None:
    assert read(text) == means


@pytest.mark.parametrize(("text", "means"), POINT.items())
def test_with_a_decimal_point(text: str, means: float | None) -> None:
    assert read(text, decimal=".") == pytest.approx(means) if means is not None else read(text, decimal=".") is None


@pytest.mark.parametrize(("text", "means"), COMMA.items())
def test_with_a_decimal_comma(text: str, means: float | None) -> None:
    assert read(text, decimal=",") == pytest.approx(means) if means is not None else read(text, decimal=",") is None


@pytest.mark.parametrize(("text", "means"), {"12 %": 0.12, "0.12": 0.12, "-5%": -0.05, "100%": 1.0, "12": 12.0}.items())
def test_percentages_as_fractions(text: str, means: float) -> None:
    assert read(text, percent="fraction") == pytest.approx(means)


@pytest.mark.parametrize(("text", "means"), {"£12.50m": 12.5e6, "2 m": 2e6, "3": 3, "5k": None}.items())
def test_multipliers_are_the_columns_own(text: str, means: float | None) -> None:
    assert read(text, multipliers={"m": 1e6}) == means


@pytest.mark.parametrize(
    ("text", "means"),
    {
        "12": 12,
        "12.0": 12,
        "-3": -3,
        "1 000": 1000,
        "12.5": None,
        "9007199254740993": 9_007_199_254_740_993,
        "x": None,
    }.items(),
)
def test_whole_figures(text: str, means: int | None) -> None:
    assert read(text, "integer") == means


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_machine_writes_comes_back(value: float) -> None:
    assert read(repr(value)) == value


@given(st.integers(-(10**12), 10**12), st.integers(0, 99), st.sampled_from([(",", "."), (".", ",")]))
def test_both_locales_read_what_they_write(whole: int, cents: int, marks: tuple[str, str]) -> None:
    group, decimal = marks
    text = f"{whole:,}".replace(",", group) + f"{decimal}{cents:02}"
    assert read(text, decimal=decimal) == pytest.approx((abs(whole) + cents / 100) * (-1 if whole < 0 else 1))
