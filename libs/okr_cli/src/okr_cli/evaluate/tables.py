"""An evaluation as tables of words: for the terminal and for the page."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table as Drawn

from okr_cli.evaluate.measures import MEASURES, MODEL, PREDICTORS, Table, groups, mark, predictors
from okr_cli.show import plain_table, words


class Grid(NamedTuple):
    """A title, headings, and rows of cells; the first column is text, the others are figures."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def by_measure(said: Mapping[str, Any]) -> Grid:
    """Every measure of every predictor, over all rows."""
    table = said["all"]
    names = predictors(table)
    rows = [[label, *_with_interval(table, one), *_rules(table, names, one)] for one, label in MEASURES.items()]
    leads = said["lead_time"]
    lead = [_days(leads.get(name)) for name in names]
    between = _between(leads[MODEL]["median_days"][1:], ".0f") if MODEL in leads else ""
    rows.append(["lead time, median days", lead[0], between, *lead[1:]])
    rows.append(["  alerts for it", _alerts(leads.get(MODEL)), "", *(_alerts(leads.get(name)) for name in names[1:])])
    headings = ["measure", "model", "interval", *(PREDICTORS[name] for name in names[1:])]
    return Grid("All predictions whose outcome is known", headings, rows)


def by_group(said: Mapping[str, Any]) -> Grid:
    """Of each source and each part of the period the figures that decide."""
    names = predictors(said["all"])[1:]
    rows = [[name, *_group(table, names)] for name, table in groups(said)]
    losses = [f"log loss {PREDICTORS[name]}" for name in names]
    return Grid(
        "By source and part of the period", ["", "n", "met", "AUC", "ECE", "ceiling", "log loss", *losses], rows
    )


def drawn(grid: Grid, caption: str = "") -> Drawn:
    """For the terminal."""
    made = plain_table(grid.title, grid.headings[:1], [heading.replace(" ", "\n", 2) for heading in grid.headings[1:]])
    for row in grid.rows:
        made.add_row(*row)
    made.caption, made.caption_justify = caption or None, "left"
    return made


def _group(table: Table, names: Sequence[str]) -> list[str]:
    model = table["predictors"][MODEL]
    own = [_figure(model["auc"][0]), _figure(model["ece"][0]), _figure(table["ece_ceiling"])]
    losses = [_ruled(table, name, "log_loss") for name in names]
    return [words(table["n"]), words(table["achieved"]), *own, _figure(model["log_loss"][0]), *losses]


def _with_interval(table: Table, measure: str) -> tuple[str, str]:
    value, *interval = table["predictors"][MODEL][measure]
    return _figure(value), _between(interval, ".3f")


def _rules(table: Table, names: Sequence[str], measure: str) -> list[str]:
    return [_ruled(table, name, measure) for name in names if name != MODEL]


def _ruled(table: Table, name: str, measure: str) -> str:
    if name not in table["predictors"]:
        return "-"
    return f"{_figure(table['predictors'][name][measure][0])} {mark(table, name, measure)}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(interval: Sequence[float | None], form: str) -> str:
    low, high = interval
    return "" if low is None or high is None else f"{low:{form}}-{high:{form}}"


def _days(lead: Mapping[str, Any] | None) -> str:
    value = None if lead is None else lead["median_days"][0]
    return "-" if value is None else f"{value:.0f}"


def _alerts(lead: Mapping[str, Any] | None) -> str:
    return "-" if lead is None else f"{lead['alerts'] * 100:.0f} %"
