"""`okr predict`: what the model says of a key result now, or would say if a check-in came."""

import asyncio
import math
from datetime import datetime
from typing import Annotated, Any

import typer

from okr_cli.at_risk import why
from okr_cli.context import out
from okr_cli.options import JsonOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import figure, key_in_words, percent, print_json, sure, within
from okr_common.counted import counted
from okr_common.errors import OkrError
from okr_common.sql import queries

SQL = queries("okr_cli")
KeyResultArgument = Annotated[str, typer.Argument(help="A key result's id or natural key.")]
ValueOption = Annotated[float | None, typer.Option("--value", help="As if a check-in said this.")]
TargetOption = Annotated[float | None, typer.Option("--target", help="As if this were the target.")]
ConfidenceOption = Annotated[
    float | None, typer.Option("--confidence", min=0, max=1, help="As if its owner were so sure, 0 to 1.")
]
DueOption = Annotated[
    datetime | None, typer.Option("--due", formats=["%Y-%m-%d"], help="As if it had to be reached by this day.")
]
AttributeOption = Annotated[
    list[str] | None,
    typer.Option("--attribute", help="As if an attribute were this, as team=blue; team= takes it away."),
]
DayOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d"], help="The day of that check-in; by default today on the source's clock."
    ),
]


def predict(
    context: typer.Context,
    key_result: KeyResultArgument,
    *,
    value: ValueOption = None,
    target: TargetOption = None,
    as_of: DayOption = None,
    confidence: ConfidenceOption = None,
    due: DueOption = None,
    attribute: AttributeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the model how likely a key result is to be reached, as it stands today or as it might."""
    for option, number in (("--value", value), ("--target", target)):
        if number is not None and not math.isfinite(number):
            raise typer.BadParameter(f"{number} is no number that a check-in could say", param_hint=option)
    reach = reach_of(context)
    question = {"key_result_id": asyncio.run(identified(reach, key_result)), "value": value, "target": target}
    days = {name: day.date().isoformat() for name, day in (("as_of", as_of), ("due_on", due)) if day}
    asked = question | days | {"confidence": confidence, "attributes": dict(map(_attribute, attribute or ())) or None}
    given = {name: said for name, said in asked.items() if said is not None}
    answer: dict[str, Any] = reach.post("trainer", "/predict", given).json()
    if as_json:
        print_json(answer)
    else:
        out.print(in_words(answer), highlight=False, markup=False)


def _attribute(given: str) -> tuple[str, str | float | None]:
    """`name=value`; a number where the value is one, None where there is none.

    >>> _attribute("team=blue"), _attribute("size=3"), _attribute("team=")
    (('team', 'blue'), ('size', 3.0), ('team', None))
    """
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{given!r} is not name=value", param_hint="--attribute")
    try:
        number = float(value)
    except ValueError:
        return name, value or None
    return name, number if math.isfinite(number) else value


async def identified(reach: Reach, name: str) -> str:
    """The id of the key result of this name. Raises OkrError where there is none, or several sources have one."""
    async with reach.database("processed") as processed:
        rows = await processed.fetch(SQL["key_results_named"], name)
    if len(rows) == 1:
        return str(rows[0]["key_result_id"])
    if not rows:
        raise OkrError(f"there is no key result {name}; `okr at-risk --risk all` lists the open ones")
    named = ", ".join(f"{row['key_result_id']} ({row['source']})" for row in rows)
    raise OkrError(f"several sources have a key result {name}; name one by its id: {named}")


def in_words(answer: dict[str, Any]) -> str:
    """The answer as a person reads it.

    >>> in_words({"key_result": "k", "probability": None, "reasons": [{"text": "no target"}]})
    'k cannot be judged: no target'
    >>> in_words({"key_result": "k", "ended": {"how": "missed"}, "reasons": [{"text": "it was missed"}]})
    'k has ended: it was missed'
    """
    name = key_in_words(answer["key_result"])
    if answer.get("ended"):
        return f"{name} has ended: {answer['reasons'][0]['text']}"
    if answer["probability"] is None:
        return f"{name} cannot be judged: {answer['reasons'][0]['text']}"
    return (
        f"{name}: {percent(answer['probability'])}{sure(answer)} likely to be reached by {answer['due_on']} "
        f"({answer['risk']} risk; {answer['model']} version {answer['model_version']})\n"
        f"  as of {answer['as_of']}: {counted(answer['days_left'], 'day')} left, "
        f"{percent(answer['elapsed'])} of its period over\n"
        f"  now {figure(answer['value'])}, forecast {figure(answer['forecast'])}{_within(answer)}, "
        f"target {figure(answer['target'])}\n"
        f"  {why(answer['reasons'])}"
    )


def _within(answer: dict[str, Any]) -> str:
    told = within(answer)
    return f" ({told})" if told else ""
