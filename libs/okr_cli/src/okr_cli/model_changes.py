"""`okr models promote|rollback|rebuild|diff|report`: which version of a model serves, how two differ, how it does."""

from typing import Annotated, Any

import typer

from okr_cli.context import out
from okr_cli.models import ModelArgument
from okr_cli.options import JsonOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import Column, print_json, show, words
from okr_common.counted import counted

app = typer.Typer()
VersionArgument = Annotated[int, typer.Argument(min=0, help="As `list` names it; 0 is the pace rule.")]
ChallengerOption = Annotated[str | None, typer.Option("--challenger", help="Instead of a version: its pipeline.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the audit row and the event.")]
DIFFERENCES = (Column("what", "what differs"), Column("a", "a"), Column("b", "b"))
REPORTS = (
    Column("logical_time", "day (UTC)"),
    Column("version", "version", right=True),
    Column("n", "predictions of 7 days", right=True),
    Column("log_loss", "log loss", right=True),
    Column("week_before", "a week before", right=True),
    Column("best_baseline", "best rule"),
    Column("its", "its log loss", right=True),
    Column("verdict", "verdict"),
)
LEFT_OUT = frozenset({"sha256", "cut", "metrics", "verdict"})
MEASURES = ("log_loss", "auc", "brier")


@app.command("promote")
def promote(
    context: typer.Context,
    model: ModelArgument,
    version: Annotated[int | None, typer.Argument(min=0, help="As `list` names it; 0 is the pace rule.")] = None,
    challenger: ChallengerOption = None,
    reason: ReasonOption = "no reason given",
    *,
    as_json: JsonOption = False,
) -> None:
    """Have this version, or this challenger, serve, whatever the gates said; it learns first what it has missed."""
    if (version is None) == (challenger is None):
        raise typer.BadParameter("name a version, or a challenger by --challenger")
    whom: dict[str, Any] = {"version": version} if challenger is None else {"challenger": challenger}
    said = _told(reach_of(context), model, "promote", {**whom, "reason": reason})
    _print(said, as_json=as_json)


@app.command("rollback")
def rollback(
    context: typer.Context,
    model: ModelArgument,
    reason: ReasonOption = "no reason given",
    *,
    as_json: JsonOption = False,
) -> None:
    """Have the version serve that served before, or version 0 where there is none. Nothing learned is lost."""
    _print(_told(reach_of(context), model, "rollback", {"reason": reason}), as_json=as_json)


@app.command("rebuild")
def rebuild(context: typer.Context, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Make a new version by replaying all history; it serves if it passes the gates. This does not wait for it."""
    said = _told(reach_of(context), model, "rebuild", {})
    if as_json:
        print_json(said)
    else:
        out.print(f"asked for a new version of {model}; `okr models list` shows it once it is made", highlight=False)


@app.command("diff")
def diff(
    context: typer.Context, model: ModelArgument, a: VersionArgument, b: VersionArgument, *, as_json: JsonOption = False
) -> None:
    """Two versions side by side: only what differs."""
    found: dict[str, list[Any]] = reach_of(context).get("trainer", f"/models/{model}/diff", a=a, b=b).json()
    if as_json:
        print_json(found)
    else:
        show(f"{model}: versions {a} and {b}", differences(found), DIFFERENCES, as_json=False)


@app.command("report")
def report(context: typer.Context, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """What the daily runs found: seven days of outcomes, beside the week before and the best simple rule."""
    found: list[dict[str, Any]] = reach_of(context).get("trainer", f"/models/{model}/reports").json()
    if as_json:
        print_json(found)
    else:
        show(f"{model}: daily reports", [reported(one) for one in found], REPORTS, as_json=False)


def reported(one: dict[str, Any]) -> dict[str, Any]:
    """A report as a row.

    >>> week = {"n": 3, "log_loss": 0.5, "verdict": "ok"}
    >>> reported({"logical_time": "2026-11-24T06:00:00Z", "content": {"version": 2, "week": week}})["log_loss"]
    0.5
    """
    return {"logical_time": one["logical_time"][:10], "version": one["content"]["version"], **one["content"]["week"]}


def differences(found: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """A row for each plain field, and for each measure of the model over all check-ins.

    >>> differences({"version": [1, 2], "learned": [5, 9]})
    [{'what': 'version', 'a': '1', 'b': '2'}, {'what': 'learned', 'a': '5', 'b': '9'}]
    """
    rows = [(name, *(words(one) for one in both)) for name, both in found.items() if name not in LEFT_OUT]
    scores = [_scores(metrics) for metrics in found.get("metrics", ())]
    rows += [(measure, *(words(one.get(measure)) for one in scores)) for measure in MEASURES if scores]
    return [dict(zip(("what", "a", "b"), row, strict=True)) for row in rows]


def _scores(metrics: dict[str, Any]) -> dict[str, float]:
    measured = metrics.get("all", {}).get("predictors", {}).get("model", {})
    return {name: value[0] for name, value in measured.items()}


def _told(reach: Reach, model: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = reach.post("trainer", f"/models/{model}/{verb}", body, headers=reach.api_key()).json()
    return said


def _print(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(said)
    elif said["state"] == "open":
        out.print(
            f"a training of {said['model']} is under way; it is done after that: `okr models list`", highlight=False
        )
    else:
        out.print(
            f"{said['model']}: version {said['version']} serves instead of {said['before']}; "
            f"it learned {counted(said['learned_again'], 'row')} it had missed",
            highlight=False,
        )
