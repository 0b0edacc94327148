"""Runs as a user asks for them: `okr runs`, on real service processes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from okr_cli.testing import Flow, Published

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


def okr(flow: Flow, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("okr")), "--state", str(flow.stack.stack.state.folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


async def test_a_run_is_started_waited_for_listed_and_shown(flow: Flow, published: Published) -> None:
    with flow.stack.supervised(["ingest-csv"]):
        flow.drop("first.csv", published.encoded(published.rows[:50]))
        started = okr(flow, "runs", "start", "ingest-csv", "--logical-time", "2026-11-24T02:00:00", "--wait", "--json")
        assert started.returncode == 0, started.stderr
        run = json.loads(started.stdout)
        again = json.loads(
            okr(flow, "runs", "start", "ingest-csv", "--logical-time", "2026-11-24T02:00:00", "--json").stdout
        )
        listed = json.loads(okr(flow, "runs", "list", "--json").stdout)
        shown = okr(flow, "runs", "show", run["run_id"][:8])
    assert (run["state"], run["trigger"], run["logical_time"]) == ("succeeded", "cli", "2026-11-24T02:00:00Z")
    assert run["steps"][-1]["detail"]["sources"]["mta_nyct"]["rows"] == 50
    assert again["run_id"] == run["run_id"]
    assert [one["run_id"] for one in listed if one["trigger"] == "cli"] == [run["run_id"]]
    assert shown.returncode == 0
    for step in run["steps"]:
        assert step["step"] in shown.stdout


async def test_a_run_of_etl_then_one_of_the_trainer_carry_a_file_to_a_version(flow: Flow, published: Published) -> None:
    with flow.stack.supervised(["ingest-csv", "etl", "trainer"]):
        rows = published.of_years(2008, 2009)
        flow.drop("history.csv", published.encoded(rows))
        etl = ended(okr(flow, "runs", "start", "etl", "--wait", "--json"))
        trainer = ended(okr(flow, "runs", "start", "trainer", "--wait", "--json"))
        models = json.loads(okr(flow, "models", "list", "--json").stdout)
    assert etl["discover"]["asked"] == "ingest-csv"
    assert sum(etl["publish"]["end_offsets"]["okr_processed_records"].values()) > len(rows)
    told = trainer["update_incrementally"]["models"]["mta_nyct"]
    assert (told["check_ins"], told["unanswered"], told["unheard"]) == (len(rows), 0, 0)
    made = {one["version"]: one["alias"] for one in models if one["version"] >= 1}
    # Whether it serves, the gates say. Where the stream trained before the run registered, the older one has no name.
    assert made[max(made)] in {"champion", "challenger"}


def ended(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The details of a run that succeeded, by step."""
    assert done.returncode == 0, done.stderr + done.stdout
    run = json.loads(done.stdout)
    assert run["state"] == "succeeded", run
    return {step["step"]: step["detail"] for step in run["steps"]}


async def test_what_cannot_be_run_is_said_in_one_sentence(flow: Flow) -> None:
    unknown = okr(flow, "runs", "start", "elt")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 2)
    assert "there is no pipeline 'elt'; there are ingest-csv" in " ".join(unknown.stderr.split())
    down = okr(flow, "runs", "start", "etl")
    assert down.returncode == 1
    assert "etl does not answer at" in down.stderr
    assert "no runs begin with" in okr(flow, "runs", "show", "abc").stderr
