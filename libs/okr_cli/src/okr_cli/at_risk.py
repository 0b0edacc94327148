"""`okr at-risk`: which open key results will be missed, how sure that is, why, and where they will end."""

import asyncio
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from okr_cli.options import JsonOption, LimitOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import WHOLE, Column, figure, key_in_words, percent, show, sure, within
from okr_common.clock import utc_now
from okr_common.counted import counted
from okr_common.postgres.source_days import todays
from okr_common.sql import queries

SQL = queries("okr_cli")
RISKS = ("high", "medium", "low")


def headline(row: Any) -> Text:  # noqa: ANN401 - a row
    """Which key result, and below it why; where no model answered yet, that is said."""
    by = "" if row["model_version"] else "by the pace rule, until its next check-in: "
    left = "" if row["days_left"] is None else f", {counted(row['days_left'], 'day')} left"
    return Text.assemble(
        (row["title"], "bold"),
        f" {key_in_words(row['key_result'])}, due {row['due_on']}{left}\n",
        (by + row["why"], "dim"),
    )


def reached(row: Any) -> str:  # noqa: ANN401 - a row
    r"""How likely, and below it how sure that is.

    >>> reached({"probability": 0.34, "probability_low": 0.21, "probability_high": 0.49})
    '34 %\n21-49 %'
    """
    return f"{percent(row['probability'])}\n{sure(row).strip(' ()')}".rstrip()


def forecast(row: Any) -> str:  # noqa: ANN401 - a row
    r"""Where it ends if it goes on so, and below it where such ones ended.

    >>> forecast({"forecast": 104.0, "forecast_low": 95.0, "forecast_high": 110.0}), forecast({"forecast": None})
    ('104\n95 to 110', '')
    """
    return f"{figure(row['forecast'])}\n{within(row)}".strip()


COLUMNS = (
    Column(WHOLE, "reached", reached, right=True),
    Column(WHOLE, "key result, and why", headline, width=36),
    Column("value", "now", figure, right=True),
    Column(WHOLE, "forecast", forecast, right=True),
    Column("target", "target", figure, right=True),
)
RiskOption = Annotated[str, typer.Option("--risk", help="high, medium, low or all.")]


def at_risk(
    context: typer.Context,
    risk: RiskOption = "high",
    source: SourceOption = None,
    limit: LimitOption = 20,
    *,
    as_json: JsonOption = False,
) -> None:
    """Open key results that will be missed: how likely, why, and the forecast."""
    if risk not in (*RISKS, "all"):
        raise typer.BadParameter(f"{risk!r} is none of {', '.join(RISKS)}, all", param_hint="--risk")
    rows = asyncio.run(listed(reach_of(context), None if risk == "all" else risk, source, limit))
    show("Key results at risk", rows, COLUMNS, as_json=as_json)


async def listed(reach: Reach, risk: str | None, source: str | None, limit: int) -> list[dict[str, Any]]:
    """The least likely first, each with its title and its reasons in words."""
    async with reach.database("processed") as processed, reach.database("ops") as ops:
        days = await todays(processed, utc_now())
        rows = await ops.fetch(SQL["at_risk"], risk, list(days), list(days.values()), source, limit)
        ids = [row["key_result_id"] for row in rows]
        titles = {row["key_result_id"]: row for row in await processed.fetch(SQL["titles"], ids)}
    return [_told(dict(row), dict(titles.get(row["key_result_id"], {}))) for row in rows]


async def counts(reach: Reach) -> dict[str, int]:
    """How many open key results are in each band."""
    async with reach.database("processed") as processed, reach.database("ops") as ops:
        days = await todays(processed, utc_now())
        rows = await ops.fetch(SQL["risk_counts"], list(days), list(days.values()))
    found = {row["risk"]: row["key_results"] for row in rows}
    return {risk: found.get(risk, 0) for risk in RISKS}


def _told(row: dict[str, Any], title: dict[str, Any]) -> dict[str, Any]:
    reasons = orjson.loads(row["reasons"])
    return {
        **row,
        "title": title.get("title", ""),
        "objective": title.get("objective"),
        "reasons": reasons,
        "baselines": orjson.loads(row["baselines"]),
        "why": why(reasons),
    }


def why(reasons: list[dict[str, Any]]) -> str:
    """The reasons in words; an arrow says which way each one pulls.

    >>> why([{"text": "no value yet", "weight": -0.4}, {"text": "early", "weight": 0.1}])
    '↓ no value yet; ↑ early'
    """
    return "; ".join(f"{'↑' if reason['weight'] > 0 else '↓'} {reason['text']}" for reason in reasons)
