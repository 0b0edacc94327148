"""The four pictures of a report."""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any, NamedTuple

from okr_cli.evaluate.measures import MODEL, PREDICTORS
from okr_cli.evaluate.svg import Chart

COLOURS = {
    MODEL: "#0072b2",
    "class_prior": "#8a8a8a",
    "linear_pace": "#e69f00",
    "meets_now": "#009e73",
    "owner_confidence": "#cc79a7",
}
"""Told apart by those who do not see red and green apart."""
INK, DASHED, DOTTED = "#222", "6 4", "2 3"
MARGIN = 0.05


class Picture(NamedTuple):
    """What it shows, how to read it, and the SVG; `svg` empty: there is nothing to draw."""

    title: str
    caption: str
    svg: str


def pictures(said: Mapping[str, Any]) -> Iterator[Picture]:
    """Of one evaluation, in the order of the page."""
    yield learning(said["learning"])
    yield calibration(said["calibration"])
    yield by_part(said["by_elapsed"])
    yield lead(said["lead_time"])


def learning(curve: Mapping[str, Any]) -> Picture:
    """Log loss along the outcomes."""
    caption = (
        "Log loss of all outcomes so far, each key result counted once, in the order in which outcomes became known; "
        f"lower is better. Dotted: the model over the last {curve['window']} outcomes alone, which shows a change "
        "sooner."
    )
    outcomes, shown = curve["outcomes"], _shown(curve["predictors"])
    lines = {name: curve["predictors"][name]["so_far"] for name in shown}
    values = sorted(value for line in lines.values() for value in line[len(line) // 20 :])
    if len(outcomes) < 2:  # noqa: PLR2004 - a line has two ends
        return Picture("Learning curve", caption, "")
    chart = Chart((0, outcomes[-1]), (0.0, values[-1] * (1 + MARGIN)), "outcomes known", "log loss")
    for name, line in lines.items():
        chart.line(list(zip(outcomes, line, strict=True)), COLOURS[name], PREDICTORS[name])
    lately = curve["predictors"][MODEL]["lately"]
    chart.line(list(zip(outcomes, lately, strict=True)), COLOURS[MODEL], "model, lately", DOTTED)
    return Picture("Learning curve", caption, chart.svg())


def calibration(diagram: Mapping[str, Any] | None) -> Picture:
    """What was said against what came true."""
    title = "Calibration"
    if diagram is None:
        return Picture(title, "", "")
    caption = (
        "Of all that were given about so much, how many were achieved; the larger a dot, the more predictions. The "
        "band is where chance alone puts 95 % of a perfect forecaster's dots: dots outside of it point at a fault "
        f"of the model. A calibration error of up to {diagram['ceiling']:.3f} is none."
    )
    chart = Chart((0.0, 1.0), (0.0, 1.0), "probability said", "share achieved")
    most = max(one["n"] for one in diagram["bins"])
    for one in diagram["bins"]:
        chart.band(one["from"], one["from"] + 0.1, one["low"], one["high"], INK)
    chart.line([(0.0, 0.0), (1.0, 1.0)], INK, "perfect", DASHED)
    for one in diagram["bins"]:
        told = f"{one['n']} predictions of {one['said']:.2f} on average: {one['achieved']:.2f} achieved"
        chart.dot((one["said"], one["achieved"]), COLOURS[MODEL], 3 + 7 * sqrt(one["n"] / most), told)
    return Picture(title, caption, chart.svg())


def by_part(tables: Mapping[str, Any]) -> Picture:
    """AUC along the period."""
    caption = (
        "The chance that a key result that was achieved had been given more than one that was missed; 0.5 is a guess. "
        "Early in the period the question is hard, and that is where an answer is of use. Bars: 95 % of the model."
    )
    parts = list(tables)
    shown = _shown({name: None for table in tables.values() for name in table["predictors"]})
    chart = Chart((-0.5, len(parts) - 0.5), (0.4, 1.0), "part of the period that was over", "AUC")
    drawn = 0
    for name in shown:
        found = [(place, tables[part]["predictors"].get(name, {}).get("auc")) for place, part in enumerate(parts)]
        points = [(place, auc) for place, auc in found if auc and auc[0] is not None]
        drawn += len(points)
        chart.line([(place, auc[0]) for place, auc in points], COLOURS[name], PREDICTORS[name])
        for place, (value, low, high) in points:
            if name == MODEL and low is not None:
                chart.line([(place, low), (place, high)], COLOURS[name])
            chart.dot((place, value), COLOURS[name], 4, f"{parts[place]}: {value:.3f}")
    return Picture("AUC by part of the period", caption, chart.svg(list(enumerate(parts))) if drawn else "")


def lead(leads: Mapping[str, Any]) -> Picture:
    """How early a miss was known."""
    caption = (
        "Of the key results that were missed, the share that had been flagged so many days before the due date, and "
        "stayed flagged. Each predictor flags the predictions with the lowest probabilities, as many as were missed, "
        "at least a fifth of all; a rule with few different answers flags more, which the table tells as alerts."
    )
    shown = {name: leads[name]["ahead"] for name in _shown(leads) if leads[name]["ahead"]}
    if not shown:
        return Picture("Lead time", caption, "")
    days = list(next(iter(shown.values())))
    chart = Chart((0, len(days) - 1), (0.0, 1.0), "days before the due date, at least", "share of the missed")
    for name, ahead in shown.items():
        points = [(place, ahead[day]) for place, day in enumerate(days)]
        chart.line(points, COLOURS[name], PREDICTORS[name])
        for point in points:
            chart.dot(point, COLOURS[name], 3, f"{point[1]:.0%} at least {days[int(point[0])]} days before")
    return Picture("Lead time", caption, chart.svg(list(enumerate(days))))


def _shown(found: Mapping[str, Any]) -> list[str]:
    return [name for name in PREDICTORS if name in found]
