"""The demo's story on the real thing: every known figure, and every command on what it left behind."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from okr_cli.demo.chapters import closing, first_half, history, second_half
from okr_cli.demo.stage import Stage, sample
from okr_cli.follow import follower
from okr_cli.main import app
from okr_cli.show import to_json
from okr_cli.testing import Flow

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
SERVICES = ("ingest-csv", "etl", "trainer")


async def test_the_story_is_true_and_every_command_can_tell_it(flow: Flow) -> None:
    with flow.stack.supervised(SERVICES):
        told = await story(flow)
        figures = [figure for chapter in told.values() for figure in chapter["figures"]]
        assert [figure for figure in figures if not figure.agrees] == []
        assert len(figures) == 15
        assert told["history"]["model"] | {"model": ""} == {
            "model": "",
            "version": 1,
            "check_ins": 8160,
            "outcomes": 555,
        }
        assert [row["rows"] for row in told["first_half"]["refreshes"]] == [84] * 6
        assert all(row["risk"] == "high" and row["why"] for row in told["first_half"]["at_risk"])
        assert told["second_half"]["learned"]["after"]["outcomes"] == 635
        assert [month["month"] for month in told["second_half"]["quality"]] == list(range(1, 13))
        assert told["second_half"]["lineage"]["bytes"]["text"].count(",") >= 15
        assert set(told["closing"]["times"]) > {"all rows"}
        assert json.loads(to_json(told)).keys() == told.keys()
        await commands(flow, told["second_half"]["lineage"]["prediction"])


async def story(flow: Flow) -> dict[str, Any]:
    async with follower(flow.reach) as following:
        stage = Stage(flow.reach, flow.stack.inbox, sample(), following)
        return {
            "history": await history(stage),
            "first_half": await first_half(stage),
            "second_half": await second_half(stage),
            "closing": await closing(stage),
        }


async def commands(flow: Flow, prediction: dict[str, Any]) -> None:
    """Each listing as JSON, and the same as a table."""
    assert len(await asked(flow, "files")) == 14
    assert await asked(flow, "files", "--state", "failed") == []
    assert await asked(flow, "rejected") == []
    assert await asked(flow, "dead-letters", "list") == []
    assert len(await asked(flow, "documents", "list", "-n", "7")) == 7
    assert {row["due_on"] for row in await asked(flow, "at-risk", "--risk", "all")} == {"2018-12-31"}
    assert [row["version"] for row in await asked(flow, "models", "list")] == [1, 0]
    assert (await asked(flow, "models", "show", prediction["model"]))["outcomes"] == 555
    assert (await asked(flow, "verify"))["clean"]
    traced = await asked(flow, "lineage", str(prediction["prediction_id"]))
    assert traced["row"]["cells"][0] == prediction["key_result"].split("/")[0]
    assert (await asked(flow, "predict", prediction["key_result"]))["ended"]
    still_open = (await asked(flow, "at-risk", "--risk", "all"))[0]["key_result"]
    assert (await asked(flow, "predict", still_open, "--value", "1"))["value"] == 1
    assert await run(flow, "predict", "nobody") == (1, "")


async def asked(flow: Flow, *command: str) -> Any:  # noqa: ANN401 - JSON
    for form in ((), ("--json",)):
        code, text = await run(flow, *command, *form)
        assert code == 0, text
    return json.loads(text)


async def run(flow: Flow, *command: str) -> tuple[int, str]:
    """The command as a user types it; in a thread, for it has an event loop of its own."""
    arguments = ["--state", str(flow.stack.stack.state.folder), *command]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    return result.exit_code, result.stdout
