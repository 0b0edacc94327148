"""`okr models evaluate`: asks the trainer, prints the tables, writes the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from okr_cli.context import out
from okr_cli.evaluate.measures import LEGEND, verdicts
from okr_cli.evaluate.page import about, page
from okr_cli.evaluate.tables import by_group, by_measure, drawn
from okr_cli.options import JsonOption, SourceOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import print_json
from okr_common.errors import OkrError

Kind = Literal["live", "aged", "replay"]
KINDS = {
    "live": "answers in the stream",
    "aged": "answers for silent key results",
    "replay": "answers of its newest training, from history",
}
app = typer.Typer()
MaybeModel = Annotated[str | None, typer.Argument(help="As `list` names it; without it, every model.")]
VersionOption = Annotated[int | None, typer.Option("--version", help="Only what this version said.", min=0)]
KindOption = Annotated[
    Kind | None,
    typer.Option("--kind", help="live: in the stream; replay: in training; aged: for silent key results. "
                 "Without it, live where an outcome is known, else replay."),
]  # fmt: skip
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", help="Write a page with pictures per model into this folder.", file_okay=False),
]


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    model: MaybeModel = None,
    *,
    source: SourceOption = None,
    version: VersionOption = None,
    kind: KindOption = None,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """How good a model's answers were beside simple rules, now that it is known how things ended."""
    reach = reach_of(context)
    limits = {name: value for name, value in (("source", source), ("version", version)) if value is not None}
    found = [evaluated(reach, name, kind, limits) for name in ([model] if model else _models(reach))]
    if source is not None:
        found = [one for one in found if one["all"]["n"]] or found[:1]  # of several models most do not know the source
    if as_json:
        print_json(found)
    for said in found:
        if not as_json:
            tell(said)
        if report is not None and said["all"]["n"]:
            file = write(report, said)
            if not as_json:
                out.print(f"written: {file}", highlight=False, soft_wrap=True)


def evaluated(reach: Reach, model: str, kind: Kind | None, limits: Mapping[str, Any]) -> dict[str, Any]:
    """What the trainer says, with `model`, `kind` and the limits. Raises OkrError where there is no such model."""
    said: dict[str, Any] = {}
    for one in [kind] if kind else ["live", "replay"]:
        answer = reach.work_out("trainer", f"/models/{model}/evaluation", kind=one, **limits).json()
        said = {"model": model, "kind": one, **limits, **answer}
        if said["all"]["n"]:
            return said
    return said


def _models(reach: Reach) -> list[str]:
    found = sorted({one["model"] for one in reach.get("trainer", "/models").json()})
    if not found:
        raise OkrError(
            "there is no model yet: one is made once a source with outcomes was loaded; see `okr models list`"
        )
    return found


def tell(said: Mapping[str, Any]) -> None:
    """On the terminal."""
    out.print(f"[bold]{title(said)}[/]", highlight=False)
    if not said["all"]["n"]:
        out.print("no prediction of this kind has an outcome yet", highlight=False)
        return
    out.print(about(said), highlight=False)
    out.print(drawn(by_measure(said), LEGEND))
    out.print(drawn(by_group(said)))
    for sentence in verdicts(said):
        out.print(sentence, highlight=False, soft_wrap=True)


def title(said: Mapping[str, Any]) -> str:
    """What was evaluated.

    >>> title({"model": "mta", "kind": "live", "version": 2})
    'mta, version 2: answers in the stream'
    """
    limits = [f"version {said['version']}"] if "version" in said else []
    limits += [f"source {said['source']}"] if "source" in said else []
    return f"{', '.join([said['model'], *limits])}: {KINDS[said['kind']]}"


def write(folder: Path, said: Mapping[str, Any]) -> Path:
    """The page, as a file of its own. Raises OkrError where it cannot be written."""
    parts = [said["model"], *(str(said[name]) for name in ("source", "version") if name in said), said["kind"]]
    file = folder / ("_".join(parts).replace("/", "_") + ".html")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(page(title(said), said), encoding="utf-8")
    except OSError as error:
        raise OkrError(f"{file} cannot be written: {error}; name another folder with --report") from error
    return file
