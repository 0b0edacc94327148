"""Files as companies export them, and worse, through ingest-csv and etl: nothing is dropped in silence.

Of every file: records = rows + unreadable, rows = new + changed + unchanged + duplicate + rejected + pending. Those
that were quarantined are let go in the end, after all their sources have had until then.
"""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from okr_cli.testing import Flow
from okr_cli.verify.oracle import OF_THE_TRAINER
from okr_common.testing.hostile import Hostile, corpus, write_mappings
from okr_etl.domain.reasons import CODES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
FILES = """
select f.file_id, f.path, f.state, f.reason, f.detail, f.rows, f.unreadable,
    (select count(*) from unreadable u join batch b using (batch_id) where b.file_id = f.file_id) as kept,
    array(select position from batch b where b.file_id = f.file_id order by number) as positions
from file f order by file_id
"""
RESULTS = """
select b.source, b.position, new + changed + unchanged + duplicate as used, pending, rejected, rows,
    (select count(*) from rejected r where r.batch_id = b.batch_id) as found,
    (select count(*) from rejected r
     where r.batch_id = b.batch_id and 'contradicts_earlier_row' = any(reasons)) as contra,
    array(select distinct unnest(reasons) from rejected r where r.batch_id = b.batch_id) as reasons
from batch_result b
"""
CONTRADICTING = {"same-goal-again.csv": 1}
"""Rows that can be read, and say something else than an earlier one of their file."""
BY_HAND = ("unreadable_records", "duplicate_records")
"""Quarantined for what was found in them: their rows are there and can go on."""


async def test_every_row_of_every_hostile_file_is_accounted_for(flow: Flow, tmp_path: Path) -> None:
    write_mappings(tmp_path)
    cases = {case.name: case for case in corpus()}
    settings = {"OKR_SOURCES__FOLDER": str(tmp_path), "OKR_INGEST_CSV__STABLE_SECONDS": "0.3"}
    with (
        flow.stack.service("ingest-csv", settings) as ingest,
        flow.stack.service("etl", {**settings, "OKR_ETL__SWEEP_SECONDS": "1"}) as etl,
    ):
        for case in cases.values():
            flow.drop(case.name, case.content)
        ended = "select count(*) from file where state in ('done', 'failed', 'quarantined')"
        await flow.until("raw", ended, len(cases))
        await applied(flow)
        first = await files(flow)
        expected = {name: (case.state, case.reason) for name, case in cases.items()}
        assert {name: (file["state"], file["reason"]) for name, file in first.items()} == expected
        set_aside = [file for file in first.values() if file["reason"] in BY_HAND]
        for file in set_aside:
            httpx2.post(f"{ingest.url}/files/{file['file_id']}/release").raise_for_status()
        await applied(flow)
        waiting = httpx2.get(f"{etl.url}/status").json()["waiting"]
    assert waiting == {}, "no source stands still"
    await are_accounted_for(flow, cases)
    last = max(place for file in first.values() if file["state"] == "done" for place in file["positions"])
    late = [place for file in set_aside for place in (await files(flow))[Path(file["path"]).name]["positions"]]
    assert any(place > last for place in late), "they had their turn after the others"
    assert await flow.wrong(without=OF_THE_TRAINER) == []


async def applied(flow: Flow) -> None:
    """Waits until all that is released is applied, told and written."""
    released = await flow.ask("raw", "select sum(next_position - 1)::int from source")
    await flow.until("processed", "select sum(position)::int from source_head", released)
    for database in ("raw", "processed", "curated"):
        await flow.until(database, "select count(*) from delivery.outbox where sent_at is null", 0)
    await flow.until("processed", "select count(*) from document_due", 0)


async def files(flow: Flow) -> dict[str, dict[str, Any]]:
    async with flow.reach.database("raw") as raw:
        return {Path(row["path"]).name: dict(row) for row in await raw.fetch(FILES)}


async def are_accounted_for(flow: Flow, cases: dict[str, Hostile]) -> None:
    async with flow.reach.database("processed") as processed, flow.reach.database("raw") as raw:
        sources = dict(await raw.fetch("select file_id, source from file"))
        results = {(row["source"], row["position"]): row for row in await processed.fetch(RESULTS)}
    for name, file in (await files(flow)).items():
        case, unreadable = cases[name], sum(cases[name].unreadable.values())
        assert (file["rows"], file["unreadable"], file["kept"]) == (len(case.rows), unreadable, unreadable), name
        assert file["state"] == "done" or (file["reason"] and file["detail"]), name
        if file["state"] == "done":
            mine = [results.pop((sources[file["file_id"]], place)) for place in file["positions"]]
            assert sum(one["rows"] for one in mine) == len(case.rows), name
            contradicting = CONTRADICTING.get(name, 0)
            rejected = len(case.rows) - case.goals + contradicting
            found = {
                what: sum(one[what] for one in mine) for what in ("used", "pending", "rejected", "found", "contra")
            }
            assert list(found.values()) == [case.goals - contradicting, 0, rejected, rejected, contradicting], name
            assert {reason.partition(":")[0] for one in mine for reason in one["reasons"]} <= set(CODES), name
    assert results == {}, "each batch is of a file"
