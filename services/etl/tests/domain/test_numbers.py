"""Figures as people write them, cell by cell: what each means, or that it is none."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.cleaning import clean
from okr_common.sources import Column
from okr_etl.domain.meaning import meant
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
    # as accountants and spreadsheets write what is owed
    "$(500)": -500,
    "$ (1 234.50)": -1234.5,
    "(500) \u20ac": -500,
    "CHF (5)": -5,
    "(1.2M)": -1_200_000,
    "1.2M-": -1_200_000,
    "500 CHF-": -500,
    "(+5)": None,
    "+5-": None,
    "((5))": None,
    "(5))": None,
    "(CHF (5)": None,
    # prices without cents
    "5.-": 5,
    "5.\u2013": 5,
    "CHF 12.--": 12,
    "1'234.\u2013": 1234,
    "-5.-": -5,
    "5.-5": None,
    # money of other places
    "R$ 5": 5,
    "A$5.50": 5.5,
    "HK$ 5": 5,
    "Rs. 500": 500,
    "Rs 5": 5,
    "5 Ft": 5,
    "5 TL": 5,
    "\u20ba5": 5,
    "EUR 1.2M": 1_200_000,
    "1.2 M\u20ac": 1_200_000,
    "5k EUR": 5000,
    "k\u20ac 5": None,
    # blanks of every width group thousands, and only thousands
    "1\u2009234.5": 1234.5,
    "1\u2007234": 1234,
    "1 234\u00a0567": 1_234_567,
    "1 234\u2009567": None,
    "1  234": None,
    "1\n234": None,
    # exponents
    "1.5E+05": 150_000,
    "$1.5e3": 1500,
    "1e5 %": 100_000,
    "1e400": None,
    "-1e400": None,
    "1e-400": 0,
    "e5": None,
    "1e": None,
    "1e+": None,
    # what is more than a figure, or less
    "9" * 400: None,
    "9" * 306 + "k": None,
    "9" * 306 + "bn": None,
    ">5": None,
    "~5": None,
    "\u00b15": None,
    "5+": None,
    "5\u2030": None,
    "%5": None,
    "5 pts": None,
    "5 EUR/h": None,
    "[5]": None,
    "'5": None,
    "1''234": None,
    "5'": None,
    "\u0663": None,
    "\uff11\uff12": None,
    "1\u00ad2": None,
    "1\u200b2": 12,  # cleaned
    "\u2014": None,
    "--": None,
    "()": None,
    "#N/A": None,
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
    "12,34,567": 1_234_567,  # lakhs
    "\u20b91,00,000.50": 100_000.5,
    "1,00,00": None,
    "123,45,678": None,
    "$1,234.5M": 1_234_500_000,
    "$(1,234.50)": -1234.5,
    "1,234.-": 1234,
    "1,234%": 1234,
    "1,234 567": None,
}
COMMA: dict[str, float | None] = {
    "1.234,56": 1234.56, "1.234": 1234, "1.234.567": 1_234_567, "12,5": 12.5, "-12,5": -12.5, ",5": 0.5, "7": 7,
    "1 234,56": 1234.56, "1'234,5": 1234.5, "12,5 %": 12.5, "1.234,5 €": 1234.5, "(1.234,5)": -1234.5,
    "1.234,5-": -1234.5, "5,5k": 5500, "0,1": 0.1, "1\u00a0234,5": 1234.5,
    "1.5": None, "12.34": None, "1,234.56": None, "1.23,4": None, "1,2,3": None, "1.2345": None,
    "1,5E+05": 150_000, "1e5": 100_000, "5,-": 5, "1.234,\u2013 €": 1234, "(12,5) €": -12.5, "12.34.567": None,
    "1\u2009234,5": 1234.5, "1\u2019234,5": 1234.5, "5,": 5, "-0,5 %": -0.5, "1,2 M€": 1_200_000,
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
        "9 007 199 254 740 992": 9_007_199_254_740_992,
        "9 007 199 254 740 994": None,
        "9223372036854775808": None,
        "(1 000)": -1000,
        "5.-": 5,
        "5k": 5000,
        "0.5k": 500,
        "0.0005k": None,
        "x": None,
    }.items(),
)
def test_whole_figures(text: str, means: int | None) -> None:
    assert read(text, "integer") == means


@given(
    st.text() | st.text("0123456789.,' ()-+%eEkM€$\u2013\u00a0CHF", max_size=12),
    st.sampled_from([None, ".", ","]),
    st.sampled_from(["figure", "fraction"]),
    st.sampled_from(["number", "integer"]),
)
def test_any_text_is_a_finite_figure_or_none(text: str, decimal: str | None, percent: str, kind: str) -> None:
    figure = read(text, kind, percent=percent, **({"decimal": decimal} if decimal else {}))
    assert figure is None or math.isfinite(figure)


@given(st.text("0123456789.,' ()-+%eEkM€$\u2013\u00a0", max_size=12))
def test_a_figure_means_the_same_among_others(text: str) -> None:
    """Figures of machines are read by a short cut, and each odd text once for all its cells."""
    made = Column.model_validate({"from": "x", "type": "number"})
    texts = pl.DataFrame({"x": ["7", clean(text).text, "1 234", clean(text).text, None]})
    assert texts.select(number(pl.col("x"), made))["x"].to_list() == [7, read(text), 1234, read(text), None]


BLANKS = ["NaN", "#REF!", "TBD", "N/A", "n/a", "\u2014", "no\u00a0data"]


@pytest.mark.parametrize("text", [*BLANKS, " TBD ", "no data", ""])
def test_the_columns_words_for_nothing_are_blank_and_other_such_words_are_no_figures(text: str) -> None:
    column = Column.model_validate({"from": "x", "type": "number", "blanks": BLANKS})
    texts = pl.DataFrame({"x": [text, "#DIV/0!", "tbd"]})
    assert texts.select(meant(pl.col("x"), column, b""))["x"].to_list() == [None, "#DIV/0!", "tbd"]
    assert [read(word) for word in ("#DIV/0!", "tbd")] == [None, None]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_machine_writes_comes_back(value: float) -> None:
    assert read(repr(value)) == value


@given(st.integers(-(10**12), 10**12), st.integers(0, 99), st.sampled_from([(",", "."), (".", ",")]))
def test_both_locales_read_what_they_write(whole: int, cents: int, marks: tuple[str, str]) -> None:
    group, decimal = marks
    text = f"{whole:,}".replace(",", group) + f"{decimal}{cents:02}"
    assert read(text, decimal=decimal) == pytest.approx((abs(whole) + cents / 100) * (-1 if whole < 0 else 1))
