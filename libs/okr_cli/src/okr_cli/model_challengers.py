"""`okr models challengers`: the pipelines that learn in the shadow of the one that serves, beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from okr_cli.context import out
from okr_cli.models import ModelArgument
from okr_cli.options import JsonOption
from okr_cli.reach import reach_of
from okr_cli.show import Column, print_json, show
from okr_common.counted import counted

app = typer.Typer()
COLUMNS = (
    Column("who", "pipeline"),
    Column("learned", "rows learned", right=True),
    Column("log_loss", "log loss", right=True),
    Column("brier", "Brier", right=True),
    Column("auc", "AUC", right=True),
    Column("ece", "calibration error", right=True),
    Column("seconds", "processor s", right=True),
)
MEASURES = ("log_loss", "brier", "auc", "ece")


@app.command("challengers")
def challengers(context: typer.Context, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Who learns in the shadow: how each would have done beside the one that serves, and what the gates say of it."""
    found: list[dict[str, Any]] = reach_of(context).work_out("trainer", f"/models/{model}/challengers").json()
    if as_json:
        print_json(found)
        return
    show(f"{model}: challengers, on the newest check-ins whose outcome is known", lines(found), COLUMNS, as_json=False)
    for sentence in told(found):
        out.print(sentence, highlight=False, soft_wrap=True)


def lines(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each challenger a line, and behind it one of the pipeline that serves, on the same check-ins.

    >>> scores = {"model": {"log_loss": 0.4123}, "champion": {"log_loss": 0.5}}
    >>> one = {"pipeline": "linear", "serves": "newton", "learned": 9, "behind": 1, "seconds": 0.25, "scores": scores}
    >>> [(line["who"], line["learned"], line["log_loss"]) for line in lines([one])]
    [('linear', 9, '0.4123'), ('  newton, which serves', 10, '0.5000')]
    """
    said = []
    for one in found:
        served = {"who": f"  {one['serves']}, which serves", "learned": one["learned"] + one["behind"], "seconds": ""}
        said.append(_line(one["scores"].get("model", {}), who=one["pipeline"], learned=one["learned"], **_cost(one)))
        said.append(_line(one["scores"].get("champion", {}), **served))
    return said


def _line(scores: Mapping[str, float], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a cell holds
    return {**{name: f"{scores[name]:.4f}" if name in scores else "" for name in MEASURES}, **more}


def _cost(one: Mapping[str, Any]) -> dict[str, str]:
    return {"seconds": f"{one['seconds']:.1f}"}


def told(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a person may do of each, or why nothing.

    >>> one = {"model": "m", "pipeline": "linear", "behind": 0, "waits": None, "verdict": {"passed": True}}
    >>> list(told([one]))
    ['linear passes the gates; `okr models promote m --challenger linear` has it serve, or the next daily run']
    >>> list(told([one | {"verdict": {"passed": False, "reasons": ["too few outcomes"]}, "behind": 2}]))
    ['linear is 2 rows behind', 'linear does not pass the gates: too few outcomes']
    """
    for one in found:
        name, verdict = one["pipeline"], one["verdict"]
        if one["waits"]:
            yield f"{name} waits: {one['waits']}"
        elif one["behind"]:
            yield f"{name} is {counted(one['behind'], 'row')} behind"
        if verdict is not None and verdict["passed"]:
            by_hand = f"`okr models promote {one['model']} --challenger {name}`"
            yield f"{name} passes the gates; {by_hand} has it serve, or the next daily run"
        elif verdict is not None:
            yield f"{name} does not pass the gates: {'; '.join(verdict['reasons'])}"
