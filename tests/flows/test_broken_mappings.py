"""A folder in which hardly a mapping is right: the files of the good ones go through, and of each other one it is told
what is wrong, where its file is looked for."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow
from okr_cli.verify.oracle import OF_THE_TRAINER
from okr_common.testing.waiting import until
from okr_etl.testing.exports import Kind, encoded

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
GOOD = ("works", "yards")
KIND = Kind("data", 1.0)
UNREADABLE = {
    "not_yaml": ("title: goals of the not_yaml", "title: [", "not YAML"),
    "unknown_key": ("clock: data", "clok: data", 'clok: unknown key "clok"; did you mean "clock"?'),
    "no_column": ("title: goal,", "title: gaol,", 'entities.key_result.title: there is no column "gaol"'),
    "no_entities": ("entities:", "entity:", 'entity: unknown key "entity"; did you mean "entities"?'),
    "nested": ('nothing: "0"', "nothing: { a: [0] }", "derived.nothing: a text is wanted here, not keys with values"),
    "aliases": ("clock: data", "clock: &x data\nread: *x", "anchors and aliases"),
}  # fmt: skip
UNCOMPUTABLE = {
    "no_sql": ('nothing: "0"', 'nothing: "0 +"', "derived.nothing: "),
    "no_number": ('nothing: "0"', "nothing: \"'x'\"", "derived.nothing: baseline needs a number"),
    "across_rows": ('nothing: "0"', 'nothing: "MAX(value)"', "derived.nothing: MAX looks at other rows"),
}  # fmt: skip
"""They load, and only etl can tell that they cannot be carried out."""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Good mappings, bad ones, and what else may lie in a folder."""
    for name in GOOD:
        (tmp_path / f"{name}.yaml").write_text(KIND.mapping(name))
    for name, (old, new, _) in {**UNREADABLE, **UNCOMPUTABLE}.items():
        assert old in KIND.mapping(name)
        (tmp_path / f"{name}.yaml").write_text(KIND.mapping(name).replace(old, new, 1))
    (tmp_path / "empty.yaml").write_bytes(b"")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / ".#works.yaml").symlink_to("somebody@somewhere.4711")
    return tmp_path


async def test_the_good_ones_files_go_through_and_of_the_others_it_is_told_why_not(flow: Flow, sources: Path) -> None:
    settings = {"OKR_SOURCES__FOLDER": str(sources), "OKR_ETL__SWEEP_SECONDS": "0.5"}
    with flow.stack.service("ingest-csv", settings) as ingest, flow.stack.service("etl", settings) as etl:
        for name in (*UNREADABLE, *UNCOMPUTABLE, *GOOD):
            flow.drop(f"{name}-1.csv", export())
        for name in UNREADABLE:
            told = httpx2.post(f"{ingest.url}/files", params={"name": f"{name}.csv", "source": name}, content=export())
            assert told.status_code == 422, name
            assert f"{sources / name}.yaml:" in told.json()["detail"]
            assert UNREADABLE[name][2] in told.json()["detail"]
        for name in GOOD:
            await flow.until("processed", f"select count(*) > 0 from check_in where source = '{name}'", wanted=True)
        waiting = await all_wait(etl.url)
        for name, (_, _, message) in UNCOMPUTABLE.items():
            assert waiting[name]["reason"] == "broken_mapping"
            line = 1 + [line.strip().startswith("derived:") for line in mapping_of(sources, name)].index(True)
            assert waiting[name]["detail"].startswith(f"{sources / name}.yaml:{line}: {message}")
        assert waiting.keys() == UNCOMPUTABLE.keys()
        ended = "select count(*) from file where state in ('done', 'failed')"
        await flow.until("raw", ended, len(UNREADABLE) + len(UNCOMPUTABLE) + len(GOOD))
        await are_told(flow)
        for name in UNCOMPUTABLE:
            (sources / f"{name}.yaml").write_text(KIND.mapping(name))
        heads = len(GOOD) + len(UNCOMPUTABLE)
        await flow.until("processed", "select count(*) from source_head where position = 1", heads)
        for database, query in (("processed", "document_due"), ("processed", "delivery.outbox where sent_at is null")):
            await flow.until(database, f"select count(*) from {query}", 0)
    assert await flow.wrong(without=OF_THE_TRAINER) == []


def mapping_of(sources: Path, name: str) -> list[str]:
    return (sources / f"{name}.yaml").read_text().splitlines()


async def all_wait(url: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        waiting: dict[str, Any] = (await asyncio.to_thread(httpx2.get, f"{url}/status")).json()["waiting"]
        return waiting if len(waiting) == len(UNCOMPUTABLE) else None

    return await until(look) or {}


async def are_told(flow: Flow) -> None:
    """By `okr files`: none of them is recognised, and the first mapping that cannot be read may be why."""
    command = ["--state", str(flow.reach.state), "files", "--state", "failed", "--json"]
    listed = json.loads((await asyncio.to_thread(CliRunner().invoke, app, command)).stdout)
    assert {Path(file["path"]).name for file in listed} == {f"{name}-1.csv" for name in UNREADABLE}
    assert {file["reason"] for file in listed} == {"broken_mapping"}
    assert all(".yaml:" in file["detail"] and "Mend it and drop the file again" in file["detail"] for file in listed)


def export() -> bytes:
    return encoded([["g", "t", "100", "1", "1", "2024-01-01", "2024-01-01", "2024-03-31", "2024-01-01T00:00:00Z"]])
