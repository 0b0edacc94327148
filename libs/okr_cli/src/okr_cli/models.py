"""`okr models`: the registry: which versions there are, what they learned, how they did beside simple rules."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from okr_cli.context import out
from okr_cli.options import JsonOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import Column, measured, plain_table, print_json, roomy, show, words
from okr_common.counted import counted
from okr_common.errors import OkrError
from okr_common.sql import queries

SQL = queries("okr_cli")
app = typer.Typer(help="Models: versions, what they learned, how they did.", no_args_is_help=True)
COLUMNS = (
    Column("model", "model"),
    Column("version", "version", right=True),
    Column("alias", "alias"),
    Column("made_at", "made (UTC)"),
    Column("check_ins", "check-ins", right=True),
    Column("outcomes", "outcomes", right=True),
    Column("learned", "rows learned", right=True),
    Column("auc", "AUC", right=True),
    Column("brier", "Brier", right=True),
)
SHOWN = ("model", "meets_now", "linear_pace")
HEADINGS = {"model": "model", "meets_now": "rule", "linear_pace": "pace"}
LEGEND = (
    "rule: it will be reached if it meets its target now; pace: the linear-pace rule; below the model its 95 % interval"
)
METRICS = (("auc", "AUC"), ("brier", "Brier"), ("accuracy", "accuracy"))
ModelOption = Annotated[str | None, typer.Option("--model", help="Only of this model.")]
ModelArgument = Annotated[str, typer.Argument(help="As `list` names it.")]
VersionOption = Annotated[int | None, typer.Option("--version", help="Without it, the one that serves.")]


@app.command("list")
def list_(context: typer.Context, model: ModelOption = None, *, as_json: JsonOption = False) -> None:
    """All versions of all models, the newest first. Version 0 is the linear-pace rule."""
    found, early = asyncio.run(_listed_and_early(reach_of(context), model))
    show("Models", found, COLUMNS, as_json=as_json)
    for sentence in () if as_json else [*waiting(found), *early]:
        out.print(sentence, highlight=False, soft_wrap=True)


@app.command("show")
def show_one(
    context: typer.Context, model: ModelArgument, version: VersionOption = None, *, as_json: JsonOption = False
) -> None:
    """One version: what it was made of, and its evaluation beside the baselines."""
    found = asyncio.run(one(reach_of(context), model, version))
    if as_json:
        print_json(found)
        return
    for name in (
        "model",
        "version",
        "alias",
        "pipeline",
        "sources",
        "since",
        "until",
        "check_ins",
        "outcomes",
        "learned",
    ):
        out.print(f"{name:<10} {words(found[name])}", highlight=False)
    for sentence in why_not(found["verdict"]):
        out.print(sentence, highlight=False)
    for sentence in drifts(found["metrics"]):
        out.print(sentence, highlight=False)
    if found["metrics"]:
        out.print(evaluation_table(found["metrics"]))
        for sentence in rules_ahead(found["metrics"]):
            out.print(sentence, highlight=False)


async def listed(reach: Reach, model: str | None) -> list[dict[str, Any]]:
    """The versions, each with its headline figures."""
    async with reach.database("ops") as ops:
        rows = await ops.fetch(SQL["model_versions"], model)
    return [_with_headline({**row, "metrics": orjson.loads(row["metrics"]), "verdict": _verdict(row)}) for row in rows]


async def _listed_and_early(reach: Reach, model: str | None) -> tuple[list[dict[str, Any]], list[str]]:
    found = await listed(reach, model)
    return found, await too_early(reach, found)


async def too_early(reach: Reach, versions: list[dict[str, Any]]) -> list[str]:
    """Of each model that no training can teach, because of when its outcomes became known: that, and what to do."""
    learned = {one["model"] for one in versions if one["version"]}
    async with reach.database("ops") as ops:
        rows = await ops.fetch(SQL["too_early"], sorted({one["model"] for one in versions} - learned))
    return [nothing_to_learn(row["model"], row["outcomes"]) for row in rows]


async def one(reach: Reach, model: str, version: int | None) -> dict[str, Any]:
    """One version with all that is kept of it. Raises OkrError where there is none."""
    async with reach.database("ops") as ops:
        row = await ops.fetchrow(SQL["model_version"], model, version)
    if row is None:
        raise OkrError(
            f"there is no model {model}{'' if version is None else f' version {version}'}; see `okr models list`"
        )
    said = {name: orjson.loads(row[name]) for name in ("metrics", "cut", "libraries")}
    return {**row, **said, "verdict": _verdict(row)}


def waiting(versions: list[dict[str, Any]]) -> list[str]:
    """Of each challenger, why it does not serve.

    >>> waiting([{"model": "m", "version": 2, "alias": "challenger", "verdict": {"passed": True, "reasons": []}}])
    ['m version 2 passed the gates, and waits for `okr models promote m 2`']
    """
    return [_why_it_waits(one) for one in versions if one["alias"] == "challenger" and one["verdict"] is not None]


def _why_it_waits(one: dict[str, Any]) -> str:
    who = f"{one['model']} version {one['version']}"
    if one["verdict"]["passed"]:
        return f"{who} passed the gates, and waits for `okr models promote {one['model']} {one['version']}`"
    return f"{who} does not serve: {'; '.join(one['verdict']['reasons'])}"


def nothing_to_learn(model: str, outcomes: int) -> str:
    """Why a model only has the pace rule although it heard so many outcomes, and what to do.

    >>> for outcomes in (1, 4167):
    ...     print(nothing_to_learn("goals", outcomes).split(": say")[0])
    goals: 1 outcome became known before the check-ins of its key result, so nothing can be learned from it
    goals: 4,167 outcomes became known before the check-ins of their key results, so nothing can be learned from them
    """
    whose, them = ("its key result", "it") if outcomes == 1 else ("their key results", "them")
    return (
        f"{model}: {counted(outcomes, 'outcome')} became known before the check-ins of {whose}, so nothing can be"
        f" learned from {them}: say when each row was written down (`recorded_at`), or `clock: data`;"
        " see docs/adding-a-source.md"
    )


def why_not(verdict: dict[str, Any] | None) -> list[str]:
    """What the gates said, as sentences; nothing where they were not asked.

    >>> why_not(None), why_not({"passed": True, "reasons": []})
    ([], ['gates      passed'])
    >>> why_not({"passed": False, "reasons": ["too few outcomes"]})
    ['gates      not passed: too few outcomes']
    """
    if verdict is None:
        return []
    return [f"gates      not passed: {reason}" for reason in verdict["reasons"]] or ["gates      passed"]


def drifts(metrics: dict[str, Any]) -> list[str]:
    """Which drifts the version had met, as a line; nothing where that is not known, or it never learned.

    >>> drifts({}), drifts({"drift": {"found": 0, "last": None, "outcomes_since": 9}})
    ([], ['drift      none in 9 outcomes'])
    >>> drifts({"drift": {"found": 2, "last": "errors_grew", "outcomes_since": 40}})
    ['drift      2 found, the last one (errors grew) 40 outcomes ago']
    """
    said = metrics.get("drift")
    if said is None:
        return []
    ago = counted(said["outcomes_since"], "outcome")
    if not said["found"]:
        return [f"drift      none in {ago}"]
    return [f"drift      {said['found']} found, the last one ({said['last'].replace('_', ' ')}) {ago} ago"]


def _verdict(row: Any) -> dict[str, Any] | None:  # noqa: ANN401 - asyncpg has no type for a row that mypy knows
    said: dict[str, Any] | None = None if row["verdict"] is None else orjson.loads(row["verdict"])
    return said


def _with_headline(row: dict[str, Any]) -> dict[str, Any]:
    said = row["metrics"].get("all", {}).get("predictors", {}).get("model", {})
    return {**row, **{name: said[name][0] if name in said else None for name in ("auc", "brier")}}


def evaluation_table(metrics: dict[str, Any], group: str = "by_month") -> Table:
    """The evaluation beside the baselines, one line per month of the period; of the model also the intervals."""
    predictors = [name for name in shown_predictors() if name in metrics["all"]["predictors"]]
    headings = [f"{metric}\n{HEADINGS[name]}" for _, metric in METRICS for name in predictors]
    made = plain_table("Evaluation by month of the period", ["month"], ["n", "met", *headings])
    for name, table in (*metrics[group].items(), ("all", metrics["all"])):
        cells = [_value(table, predictor, metric) for metric, _ in METRICS for predictor in predictors]
        made.add_row(name, words(table["n"]), words(table["achieved"]), *cells)
    made.caption, made.caption_justify = LEGEND, "left"
    return made


def rules_ahead(metrics: dict[str, Any]) -> list[str]:
    """Plain sentences: by which measure a simple rule did better than the model, over all months."""
    said = []
    for rule, name in (("meets_now", "rule “it meets its target now”"), ("linear_pace", "linear-pace rule")):
        ahead = [f"{label} {theirs:.3f} against {ours:.3f}" for label, ours, theirs in _beaten(metrics["all"], rule)]
        if ahead:
            said.append(f"Over all months the {name} is better by " + ", ".join(ahead) + ".")
    return said


def _beaten(table: dict[str, Any], rule: str) -> Iterator[tuple[str, float, float]]:
    """Each measure by which the rule is better: its name, the model's value, the rule's."""
    for metric, label in METRICS:
        ours, theirs = (table["predictors"].get(who, {}).get(metric, [None])[0] for who in ("model", rule))
        if ours is not None and theirs is not None and (theirs < ours if metric == "brier" else theirs > ours):
            yield label, ours, theirs


def shown_predictors() -> tuple[str, ...]:
    """The model and the rule to beat; where there is room also the pace rule."""
    return SHOWN if roomy() else SHOWN[:2]


def _value(table: dict[str, Any], predictor: str, metric: str) -> str:
    value, low, high = table["predictors"].get(predictor, {}).get(metric, [None, None, None])
    return measured(value, low, high) if predictor == SHOWN[0] else measured(value)
