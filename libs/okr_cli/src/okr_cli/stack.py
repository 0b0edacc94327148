"""`okr stack up|down|status|env`, and the same without `stack`."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from rich.live import Live

from okr_cli import stack_view
from okr_cli.context import err, out, print_json, stack_of, teaching
from okr_stack import report as reports
from okr_stack.logs import Follower
from okr_stack.ports import DEFAULTS
from okr_stack.report import PartReport
from okr_stack.stack import Stack
from okr_stack.status import Phase

app = typer.Typer(help="Kafka, PostgreSQL and the services on this machine.", no_args_is_help=True)

FOLLOW_EVERY_SECONDS = 0.2

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def up(
    context: typer.Context,
    foreground: Annotated[bool, typer.Option(help="Follow the logs, and stop everything on Ctrl-C.")] = False,  # noqa: FBT002 -- a flag
) -> None:
    """Start Kafka, PostgreSQL and the services, and wait until all answer."""
    stack = stack_of(context)
    with teaching():
        began = time.monotonic()
        started = _start(Stack(stack.state.folder, tied=True) if foreground else stack)
        _say_up(stack, started, time.monotonic() - began)
        if foreground:
            _follow(stack)


@app.command()
def down(context: typer.Context) -> None:
    """Stop the services, then Kafka, then PostgreSQL. What they keep stays."""
    stack = stack_of(context)
    with teaching(), out.status("stopping"):
        began = time.monotonic()
        stopped = stack.down()
    out.print(f"down after {time.monotonic() - began:.1f} s" if stopped else "nothing was running")


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:  # noqa: FBT002 -- a flag
    """Show each part: state, pid, port, memory, health, lag. Exit code 1 where one is not well."""
    stack = stack_of(context)
    now, parts = stack.status(), asyncio.run(reports.report(stack))
    if as_json:
        print_json(
            {
                "phase": now.phase,
                "supervisor": now.supervisor,
                "error": now.error,
                "parts": [part.as_json() for part in parts],
            }
        )
    else:
        out.print(stack_view.table(stack.state.folder, now, parts))
        for line in stack_view.complaints(now, stack.state.logs):
            err.print(line)
    raise typer.Exit(0 if _is_well(now.phase, parts) else 1)


@app.command()
def env(context: typer.Context) -> None:
    """Print where everything listens, as KEY=value lines: `set -a; eval "$(okr env)"; set +a` exports them."""
    with teaching():
        for key, value in stack_of(context).env().items():
            typer.echo(f"{key}={value}")


def _is_well(phase: Phase, parts: list[PartReport]) -> bool:
    return phase is Phase.UP and all(part.is_well for part in parts)


def _start(stack: Stack) -> bool:
    with Live(console=err, refresh_per_second=10, transient=True) as live:
        return stack.up(progress=lambda now: live.update(stack_view.progress(now)))


def _say_up(stack: Stack, started: bool, seconds: float) -> None:  # noqa: FBT001 -- private
    out.print(f"up after {seconds:.1f} s" if started else "already up", style="green", highlight=False)
    for key, value in stack.env().items():
        if "DSN" not in key:  # they hold passwords; `okr env` prints them for programs
            out.print(f"  {key}={value}", highlight=False)
    for part in stack.status().parts.values():
        if part.port != DEFAULTS.get(part.name, part.port):
            out.print(f"  {part.name} listens on {part.port}: {DEFAULTS[part.name]} was taken", highlight=False)


def _follow(stack: Stack) -> None:
    """Print what the parts log until Ctrl-C or SIGTERM, then stop the stack."""
    follower = Follower(stack.state.logs)
    with _interruptible():
        try:
            while stack.status().supervisor is not None:
                for part, line in follower.news():
                    out.print(f"{part:>10} | {line}", markup=False, highlight=False, soft_wrap=True)
                time.sleep(FOLLOW_EVERY_SECONDS)
        except KeyboardInterrupt:
            out.print("stopping")
    stack.down()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the loop as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
