"""All hostile files at once in the inbox of one running service: each ends as it must, and a good one after them."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from okr_common.testing.hostile import OWN_FINDINGS, Hostile, corpus, write_mappings

if TYPE_CHECKING:
    from conftest import Scene

pytestmark = pytest.mark.stack
WAIT_SECONDS = 120.0
READ_WHOLE: dict[str, str] = {}
READ_IN_PARTS = {"OKR_INGEST_CSV__LARGE_FILE_BYTES": "1000", "OKR_INGEST_CSV__BATCH_ROWS": "4"}


@pytest.mark.parametrize("how", [READ_WHOLE, READ_IN_PARTS], ids=["whole", "in-parts"])
async def test_every_hostile_file_ends_as_it_must_and_the_next_good_one_goes_through(
    scene: "Scene", sources: Path, how: dict[str, str]
) -> None:
    write_mappings(sources)
    for name in ("goals", "plans"):  # they read the same columns as sources of the corpus
        (sources / f"{name}.yaml").unlink()
    cases = {case.name: case for case in corpus()}
    with scene.service(**how):
        for case in cases.values():
            scene.drop(case.name, case.content)
        await scene.ended(len(cases), WAIT_SECONDS)
        scene.drop("good.csv", scene.goals(1, 4))
        *files, good = await scene.ended(len(cases) + 1)
        await scene.sent()
    assert (good["state"], good["source"], good["rows"]) == ("done", "hostile_goals", 4)
    found = {Path(file["path"]).name: file for file in files}
    assert {name: _told(found[name]) for name in cases} == {name: _expected(case) for name, case in cases.items()}
    assert await _findings(scene) == {
        name: case.findings & OWN_FINDINGS for name, case in cases.items() if case.findings & OWN_FINDINGS
    }
    assert await _unreadable(scene) == {
        name: Counter(case.unreadable) for name, case in cases.items() if case.unreadable
    }
    await _every_row_is_the_record_its_bytes_say(scene, cases)


def _told(file: dict[str, Any]) -> dict[str, Any]:
    shown = ("state", "reason", "source", "rows", "unreadable", "encoding", "delimiter", "header_line")
    header = file["header"] and tuple(orjson.loads(file["header"]))
    return {**{name: file[name] for name in shown}, "header": header, "explained": bool(file["detail"])}


def _expected(case: Hostile) -> dict[str, Any]:
    shown = ("state", "reason", "source", "encoding", "delimiter", "header_line", "header")
    counts = {"rows": len(case.rows), "unreadable": sum(case.unreadable.values())}
    return {**{name: getattr(case, name) for name in shown}, **counts, "explained": case.state != "done"}


async def _findings(scene: "Scene") -> dict[str, frozenset[str]]:
    """By file, those that do not change with the files before it."""
    rows = await scene.fetch(
        "select path, array_agg(kind) as kinds from file_finding join file using (file_id) "
        "where kind = any($1) and path not like '%/good.csv' group by path",
        sorted(OWN_FINDINGS),
    )
    return {Path(row["path"]).name: frozenset(row["kinds"]) for row in rows}


async def _unreadable(scene: "Scene") -> dict[str, Counter[str]]:
    rows = await scene.fetch(
        "select path, array_agg(u.reason) as reasons from unreadable u join batch using (batch_id) "
        "join file using (file_id) group by path"
    )
    return {Path(row["path"]).name: Counter(row["reasons"]) for row in rows}


async def _every_row_is_the_record_its_bytes_say(scene: "Scene", cases: dict[str, Hostile]) -> None:
    rows = await scene.fetch(
        "select path, encoding, delimiter, r.* from raw_row r join batch using (batch_id) join file using (file_id) "
        "where path not like '%/good.csv' order by path, row_num"
    )
    csv.field_size_limit(2_097_152)
    kept: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        name, cells = Path(row["path"]).name, tuple(orjson.loads(row["cells"]))
        record = cases[name].content[row["byte_start"] :][: row["byte_len"]].decode(row["encoding"])
        (alone,) = csv.reader(io.StringIO(record, newline=""), delimiter=row["delimiter"])
        assert row["delimiter"].join(alone) == row["delimiter"].join(cells)
        assert (tuple(alone) == cells) is not row["repaired"]
        kept.setdefault(name, []).append(cells)
    assert {name: kept.get(name, []) for name in cases} == {name: list(case.rows) for name, case in cases.items()}
