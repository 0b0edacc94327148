"""The story, chapter by chapter: each drops files, waits for what they cause, shows it, and returns it as data."""

from typing import Any

from rich.text import Text

from okr_cli import at_risk
from okr_cli.context import out
from okr_cli.demo import readings, tables
from okr_cli.demo.cuts import HISTORY, LATEST, Part, months
from okr_cli.demo.figures import HISTORY_ROWS, LATEST_ROWS, Checked, check
from okr_cli.demo.quality import as_data, by_month, plainly, verdicts
from okr_cli.demo.stage import WITHIN_SECONDS, Stage
from okr_cli.demo.timing import summaries
from okr_cli.lineage import picture, trace
from okr_cli.models import evaluation_table, rules_ahead
from okr_cli.show import table
from okr_cli.verify.command import as_data as verify_data
from okr_cli.verify.command import show_report
from okr_cli.verify.oracle import look
from okr_common.counted import counted

YEAR = 2017
LATE = 6
"""From this month on the simple rule is almost perfect on this file."""
AT_RISK_SHOWN = 12
Told = dict[str, Any]


async def history(stage: Stage) -> Told:
    """Nine years as one file; then version 1 and its evaluation."""
    _title("1. Nine years of history, as one file")
    stand, seconds = await stage.drop(HISTORY)
    with out.status("train_initial: the history is replayed in the order in which it became known"):
        made = await readings.champion(stage.reach, 1, WITHIN_SECONDS)
    out.print(
        f"{stand.rows:,} rows became {stand.predicted:,} predictions (at each check-in, and at each version of a key "
        f"result) in {seconds:.1f} s; "
        f"version {made['version']} of {made['model']} has replayed {made['check_ins']:,} check-ins "
        f"and {made['outcomes']:,} outcomes.",
        highlight=False,
    )
    out.print(evaluation_table(made["metrics"]))
    for sentence in rules_ahead(made["metrics"]):
        out.print(sentence, highlight=False)
    return {
        "figures": [Checked("rows up to December 2016", HISTORY_ROWS, stand.rows)],
        "seconds": seconds,
        "model": {name: made[name] for name in ("model", "version", "check_ins", "outcomes")},
        "evaluation": made["metrics"],
    }


async def first_half(stage: Stage) -> Told:
    """Six months, one file after another; then the key results at risk."""
    _title(f"2. January to June {YEAR}: predictions refresh with every file")
    refreshed = await _refresh(stage, months(YEAR, range(1, 7)))
    out.print(tables.refreshes(refreshed))
    rows = await at_risk.listed(stage.reach, "high", None, AT_RISK_SHOWN)
    out.print(table(f"The {len(rows)} open key results least likely to be reached", rows, at_risk.COLUMNS))
    return {"figures": [], "refreshes": refreshed, "at_risk": rows}


async def second_half(stage: Stage) -> Told:
    """The rest of the year: outcomes close, are learned, and judge what was predicted."""
    _title(f"3. July to December {YEAR}: outcomes close, and judge the predictions")
    before = await readings.learned(stage.reach)
    refreshed = await _refresh(stage, months(YEAR, range(7, 13)))
    after = await readings.learned(stage.reach)
    out.print(tables.refreshes(refreshed))
    out.print(
        f"{counted(after['outcomes'] - before['outcomes'], 'outcome')} closed; the model learned them one at a time: "
        f"{counted(after['learned'] - before['learned'], 'prediction')}, a year's check-ins and definitions of each.",
        highlight=False,
    )
    judged = by_month(await readings.scored(stage.reach, YEAR))
    out.print(tables.quality(f"How the predictions of each month of {YEAR} did", judged))
    said = [plainly(judged, LATE), *verdicts(judged), *(f"Pace rule: {one}" for one in verdicts(judged, "linear_pace"))]
    out.print("Beside the rule “it will be reached if it meets its target now”:")
    for sentence in said:
        out.print(f"  {sentence}", highlight=False)
    traced = await trace(stage.reach, await readings.example(stage.reach, YEAR))
    out.print(Text("One prediction, back to its bytes", style="bold"))
    out.print(picture(traced))
    return {
        "figures": [],
        "refreshes": refreshed,
        "learned": {"before": before, "after": after},
        "quality": as_data(judged),
        "verdicts": said,
        "lineage": traced,
    }


async def closing(stage: Stage) -> Told:
    """The last rows; totals, times, and whether everything adds up."""
    _title("4. The last rows, the totals, and the proof")
    stand, _ = await stage.drop(LATEST)
    checked = check(await readings.figures(stage.reach))
    out.print(tables.figures(checked))
    took = summaries(await readings.seconds_by_file(stage.reach, stage.dropped))
    out.print(tables.times(took))
    with out.status("verify"):
        report = await look(stage.reach)
    show_report(report, briefly=True)
    return {
        "figures": [
            Checked("rows of 2018", LATEST_ROWS, stand.rows),
            *checked,
            Checked("things that do not add up", 0, report.wrong),
        ],
        "times": took,
        "verify": verify_data(report),
    }


async def _refresh(stage: Stage, parts: list[Part]) -> list[Told]:
    refreshed = []
    for number, part in enumerate(parts, 1):
        stand, seconds = await stage.drop(part, len(parts), number)
        risks = await at_risk.counts(stage.reach)
        refreshed.append({"file": part.name, "rows": stand.rows, "seconds": seconds, "risk": risks})
    return refreshed


def _title(text: str) -> None:
    out.print()
    out.rule(Text(text, style="bold"), align="left")
