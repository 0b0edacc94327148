"""The demo's tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from okr_cli.demo.figures import Checked
from okr_cli.demo.metrics import Comparison, Figure
from okr_cli.demo.quality import MODEL, NAMES_OF_MONTHS
from okr_cli.demo.timing import Took
from okr_cli.models import HEADINGS, LEGEND, METRICS, shown_predictors
from okr_cli.show import measured, plain_table, words


def figures(checked: Sequence[Checked]) -> Table:
    """What is known of the file beside what the system found."""
    made = plain_table("What the system made of the file", ("figure",), ("known", "found", ""))
    for one in checked:
        verdict = Text("ok", "green") if one.agrees else Text("differs", "bold red")
        made.add_row(one.name, words(one.expected), words(one.found), verdict)
    return made


def refreshes(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How the open key results stood after each month's file."""
    made = plain_table("After each month", ("file",), ("rows", "seconds to predictions", "high risk", "medium", "low"))
    for row in rows:
        risks = row["risk"]
        made.add_row(
            row["file"],
            words(row["rows"]),
            f"{row['seconds']:.2f}",
            *(words(risks[name]) for name in ("high", "medium", "low")),
        )
    return made


def quality(title: str, months: Mapping[int, Comparison]) -> Table:
    """Model and rules side by side; of the model also the intervals."""
    predictors = shown_predictors()
    headings = [f"{name}\n{HEADINGS[who]}" for _, name in METRICS for who in predictors]
    made = plain_table(title, ["month"], ["n", "met", *headings])
    for month, one in months.items():
        cells = [_figure(one, who, metric) for metric, _ in METRICS for who in predictors]
        made.add_row(NAMES_OF_MONTHS[month - 1], words(one.n), words(one.achieved), *cells)
    made.caption, made.caption_justify = LEGEND, "left"
    return made


def _figure(one: Comparison, who: str, metric: str) -> str:
    figure: Figure = getattr(one.quality[who], metric)
    return measured(figure.value, figure.low, figure.high) if who == MODEL else measured(figure.value)


def times(took: Mapping[str, Took]) -> Table:
    """From file to prediction, per file and over all rows."""
    made = plain_table("From file to prediction", ("file",), ("predicted", "p50 s", "p95 s", "slowest s"))
    made.caption, made.caption_justify = "predicted: rows that have a direction and a target", "left"
    for name, one in took.items():
        made.add_row(Path(name).name, words(one.rows), f"{one.p50:.2f}", f"{one.p95:.2f}", f"{one.slowest:.2f}")
    return made
