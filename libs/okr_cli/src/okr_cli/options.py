"""Options that many commands have, said once."""

from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many, the newest first.")]
SourceOption = Annotated[str | None, typer.Option("--source", "-s", help="Only of this source.")]
