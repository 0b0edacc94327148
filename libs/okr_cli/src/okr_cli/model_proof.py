"""`okr models verify`: whether a model is what the record of its learning says."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from okr_cli.context import out
from okr_cli.models import ModelArgument
from okr_cli.options import JsonOption
from okr_cli.reach import reach_of
from okr_cli.show import print_json
from okr_common.counted import counted

app = typer.Typer()


@app.command("verify")
def verify(context: typer.Context, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Learn all it learned once more, in the recorded order, and compare with every state that is stored of it."""
    found = reach_of(context).work_out("trainer", f"/models/{model}/verify").json()
    if as_json:
        print_json(found)
    for sentence in () if as_json else told(found):
        out.print(sentence, highlight=False, soft_wrap=True)
    if found["findings"]:
        raise typer.Exit(1)


def told(found: Mapping[str, Any]) -> Iterator[str]:
    """What came of it, in sentences.

    >>> nothing = {"model": "m", "training": 0, "learned": 0, "proven": [], "unproven": [], "findings": []}
    >>> list(told(nothing))
    ['m: version 0, the pace rule, learns nothing, so there is nothing to verify']
    >>> list(told(nothing | {"training": 1, "learned": 90, "proven": ["version 1", "the checkpoint"]}))
    ['m: 90 rows of training 1 were learned once more', 'the same to the last bit: version 1, the checkpoint']
    """
    if not found["training"]:
        yield f"{found['model']}: version 0, the pace rule, learns nothing, so there is nothing to verify"
        return
    rows = counted(found["learned"], "row")
    yield f"{found['model']}: {rows} of training {found['training']} were learned once more"
    if found["proven"]:
        yield f"the same to the last bit: {', '.join(found['proven'])}"
    if found["unproven"]:
        why = "they learned what a version of another training had answered, and that is not recorded to the last bit"
        yield f"cannot be proven: {', '.join(found['unproven'])}; {why}"
    yield from found["findings"]
