"""What every command shares: which stack it speaks to, where it prints, how it fails."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from okr_common.errors import OkrError
from okr_stack.stack import Stack

WIDE = 110
"""Columns where nobody says how many there are: a file, a pipe, a log."""
out = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
err = Console(stderr=True)


def stack_of(context: typer.Context) -> Stack:
    """The stack that --state names."""
    folder = context.find_root().obj
    assert isinstance(folder, Path)  # noqa: S101 -- set by main's callback
    return Stack(folder)


@contextmanager
def teaching() -> Iterator[None]:
    """Print what a person must mend as one sentence and end with 1."""
    try:
        yield
    except OkrError as error:
        err.print(Text(str(error), style="red"))
        raise typer.Exit(1) from None


class Teaching(TyperGroup):
    """A command that fails by something a person must mend says so; see `teaching`."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- typer keeps its own click to itself
        """Run the command."""
        with teaching():
            return super().invoke(ctx)


def print_json(value: Any) -> None:  # noqa: ANN401 -- any JSON value
    """Print for programs: no colour, no wrapping."""
    typer.echo(json.dumps(value, indent=2, default=str))
