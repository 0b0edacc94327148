"""The `okr` command: what there is, put together."""

from pathlib import Path
from typing import Annotated

import typer

from okr_cli import (
    backfill,
    documents,
    files,
    model_challengers,
    model_changes,
    model_proof,
    models,
    rejected,
    runs,
    sources,
    stack,
)
from okr_cli.at_risk import at_risk
from okr_cli.context import Teaching
from okr_cli.dead_letters import command as dead_letters
from okr_cli.demo.command import demo
from okr_cli.evaluate import command as evaluation
from okr_cli.ingest import ingest
from okr_cli.lineage import lineage
from okr_cli.pending import pending
from okr_cli.predict import predict
from okr_cli.verify.command import verify
from okr_cli.warnings import warnings
from okr_stack.state import DEFAULT_FOLDER

app = typer.Typer(
    help="Turn OKR exports into live predictions of which goals will be missed.",
    no_args_is_help=True,
    cls=Teaching,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def okr(
    context: typer.Context,
    state: Annotated[
        Path, typer.Option(help="The folder of the stack to speak to.", envvar="OKR_STATE", show_default=True)
    ] = DEFAULT_FOLDER,
) -> None:
    """Remember which stack the command speaks to."""
    context.obj = state


app.add_typer(stack.app, name="stack")
for verb in (stack.up, stack.down, stack.status, stack.env):
    app.command()(verb)  # the short way: `okr up`
app.add_typer(backfill.app, name="backfill")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(documents.app, name="documents")
app.add_typer(files.app, name="files")
models.app.add_typer(evaluation.app)
models.app.add_typer(model_challengers.app)
models.app.add_typer(model_changes.app)
models.app.add_typer(model_proof.app)
app.add_typer(models.app, name="models")
app.add_typer(rejected.app, name="rejected")
app.add_typer(runs.app, name="runs")
app.add_typer(sources.app, name="sources")
for command in (demo, ingest, at_risk, pending, predict, lineage, verify, warnings):
    app.command()(command)
