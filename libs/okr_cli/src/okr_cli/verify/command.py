"""`okr verify`: looks at everything, shows what does not add up, and says so by its exit code."""

import asyncio
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from okr_cli.context import out
from okr_cli.options import JsonOption
from okr_cli.reach import reach_of
from okr_cli.show import plain_table, print_json
from okr_cli.verify.finding import Report
from okr_cli.verify.oracle import look


def verify(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Prove that nothing is lost, doubled or changed: from the files' bytes to the published predictions."""
    with out.status("verify") as status:
        report = asyncio.run(look(reach_of(context), lambda part: status.update(f"verify: {part}")))
    if as_json:
        print_json(as_data(report))
    else:
        show_report(report)
    raise typer.Exit(0 if report.clean else 1)


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON has it."""
    return {"clean": report.clean, "wrong": report.wrong, "checks": [asdict(check) for check in report.checks]}


def show_report(report: Report, *, briefly: bool = False) -> None:
    """The checks, briefly or with what each of them says, and below them what does not add up."""
    if briefly:
        out.print(
            f"okr verify: {len(report.checks)} sentences held against {report.examined:,} things.", highlight=False
        )
    else:
        out.print(checks_table(report))
    if report.clean:
        out.print("Everything adds up.", style="bold green")
        return
    out.print(findings_table(report))
    out.print(f"Does not add up: {report.wrong:,}", style="bold red")


def checks_table(report: Report) -> Table:
    """What was looked at."""
    made = plain_table("What okr verify looked at", ["what must hold"], ["examined", "wrong"])
    for check in report.checks:
        wrong = Text(f"{check.wrong:,}", style="bold red" if check.wrong else "green")
        made.add_row(Text.assemble((check.name, "bold"), f": {check.says}"), f"{check.examined:,}", wrong)
    return made


def findings_table(report: Report) -> Table:
    """What does not add up, up to twenty things of each check."""
    made = plain_table("What does not add up", ["check", "where", "expected", "found"])
    for check in report.checks:
        for finding in check.findings:
            made.add_row(*map(Text, (check.name, finding.where, finding.expected, finding.found)))
        if check.wrong > len(check.findings):
            made.add_row(check.name, f"... and {check.wrong - len(check.findings):,} more", "", "")
    return made
