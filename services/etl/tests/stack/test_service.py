"""The service as a process: it hears, applies, curates, waits where it must, and survives kill -9."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from okr_common import topics
from okr_common.kafka.reader import read_all
from okr_common.paths import repository
from okr_common.topology import STAGES
from okr_etl.testing import RawWriter
from okr_stack.testing import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
STAGE = STAGES["etl"]
Table = tuple[list[str], list[list[str]]]
MTA = (repository() / "configs" / "sources" / "mta_nyct.yaml").read_text(encoding="utf-8")


class Watch:
    """Looks into the databases until something is true."""

    def __init__(self, stack: StackUnderTest, connections: dict[str, asyncpg.Connection]) -> None:
        self.stack = stack
        self._of = connections

    async def value(self, database: str, query: str) -> Any:  # noqa: ANN401 - whatever the query gives
        return await self._of[database].fetchval(query)

    async def until(self, database: str, query: str, expected: object, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while (found := await self.value(database, query)) != expected:
            assert time.monotonic() < deadline, f"{query}: {found} instead of {expected} after {seconds:.0f} s"
            await asyncio.sleep(0.02)

    async def until_told(self) -> None:
        for database in ("processed", "curated"):
            await self.until(database, "select count(*) from delivery.outbox where sent_at is null", 0)

    async def until_curated(self) -> None:
        await self.until("processed", "select count(*) from document_due", 0)
        await self.until_told()


@pytest.fixture
async def watch(fresh_stack: StackUnderTest) -> AsyncIterator[Watch]:
    connections = {
        name: await asyncpg.connect(fresh_stack.dsn("okr_readonly", name)) for name in ("processed", "curated")
    }
    yield Watch(fresh_stack, connections)
    for connection in connections.values():
        await connection.close()


def told(stack: StackUnderTest, topic: topics.Topic) -> list[Any]:
    return list(read_all(stack.bootstrap, [topic.name]))


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:.0f} s"
        await asyncio.sleep(0.05)


async def test_from_event_to_documents(watch: Watch, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    with watch.stack.service("etl") as service:
        await raw.tell(await raw.release("mta_nyct", header, rows, batch_rows=5000))
        await watch.until("processed", "select coalesce(sum(new), 0)::int from batch_result", 9213)
        await watch.until_curated()
        assert await watch.value("curated", "select count(*) from document") == 22 + 814
        assert len(told(watch.stack, topics.PROCESSED_RECORDS)) == await watch.value(
            "processed", "select count(*) from entity_version"
        )
        async with httpx2.AsyncClient(base_url=service.url) as rest:
            quality = (await rest.get("/quality")).json()
            assert quality["sources"][0] | {"applied_at": None} == {
                "source": "mta_nyct",
                "batches": 2,
                "rows": 9213,
                "new": 9213,
                "changed": 0,
                "duplicate": 0,
                "unchanged": 0,
                "rejected": 0,
                "pending": 0,
                "applied_at": None,
                "reasons": {},
            }
            for warning in ("check_in_before_start", "check_in_after_close"):
                asked = {"warning": warning, "due_days": 3_660}
                assert (await rest.get("/warnings", params=asked)).json() == [], "each month lies within its year"
            page = (await rest.get("/documents", params={"entity": "key_result", "limit": 2})).json()
            assert [document["entity"] for document in page] == ["key_result", "key_result"]
            one = (await rest.get(f"/documents/{page[0]['entity_id']}")).json()
            assert one["text"].startswith("Key result: ")
            after = (await rest.get("/documents", params={"after": page[1]["entity_id"], "limit": 1})).json()
            assert after[0]["entity_id"] > page[1]["entity_id"]
            missing = await rest.get("/documents/00000000-0000-0000-0000-000000000000")
            assert (missing.status_code, missing.json()["status"]) == (404, 404)


async def test_a_batch_no_event_told_of_is_swept_up(watch: Watch, raw: RawWriter, mta_file: Table) -> None:
    await raw.release("mta_nyct", mta_file[0], mta_file[1][:10])
    with watch.stack.service("etl", {"OKR_ETL__SWEEP_SECONDS": "0.5"}):
        await watch.until("processed", "select count(*)::int from check_in", 10)
        await raw.release("mta_nyct", mta_file[0], mta_file[1][10:20])
        await watch.until("processed", "select count(*)::int from check_in", 20)


async def test_rejected_rows_say_where_to_mend(watch: Watch, raw: RawWriter, mta_file: Table) -> None:
    header, rows = mta_file
    with watch.stack.service("etl") as service:
        await raw.tell(await raw.release("mta_nyct", header, [rows[0], rows[1][:4]]))
        await watch.until("processed", "select count(*)::int from rejected", 1)
        async with httpx2.AsyncClient(base_url=service.url) as rest:
            [found] = (await rest.get("/rejected", params={"reason": "too_few_cells"})).json()
            assert (found["path"], found["line"], found["row_num"]) == ("inbox/1.csv", 3, 2)
            assert found["detail"]["too_few_cells"] == "the row has 4 cells, fewer than the header"
            assert (await rest.get("/rejected", params={"source": "other"})).json() == []
            reasons = (await rest.get("/quality")).json()["sources"][0]["reasons"]
            assert reasons["too_few_cells"] == 1


async def test_a_rejected_row_that_each_export_repeats_is_told_once(
    watch: Watch, raw: RawWriter, mta_file: Table
) -> None:
    header, rows = mta_file
    bad, other = rows[1][:4], rows[2][:5]
    with watch.stack.service("etl") as service:
        for export in ([rows[0], bad, bad], [bad, rows[0]], [rows[0], other, bad]):
            await raw.tell(await raw.release("mta_nyct", header, export))
        await watch.until("processed", "select count(*)::int from rejected", 5)
        async with httpx2.AsyncClient(base_url=service.url) as rest:
            found = (await rest.get("/rejected")).json()
            every = (await rest.get("/rejected", params={"all": True})).json()
            reasons = (await rest.get("/quality")).json()["sources"][0]["reasons"]
    assert [(one["path"], one["row_num"], one["exports"]) for one in found] == [
        ("inbox/3.csv", 2, 1),
        ("inbox/3.csv", 3, 3),
        ("inbox/1.csv", 3, 1),
    ], "the row that stood twice in the first export stands here twice, each where it came last"
    assert len(every) == 5
    assert reasons["too_few_cells"] == 5


async def test_messages_nobody_understands_become_dead_letters(watch: Watch, raw: RawWriter, mta_file: Table) -> None:
    known = "okr.ingestion.batch_ingested.v1"
    with watch.stack.service("etl"):
        await raw.say(b"\xff not json", {"ce_type": known})
        await raw.say(b'{"source": "s"}', {"ce_type": known})
        await raw.say(b"{}", {"ce_type": "okr.unheard_of.v1"})
        await raw.say(b"{}", {})
        await raw.tell(await raw.release("mta_nyct", mta_file[0], mta_file[1][:10]))
        await watch.until("processed", "select count(*)::int from check_in", 10)
        await watch.until_told()
    letters = told(watch.stack, topics.DEAD_LETTERS)
    assert [letter.headers["__connect.errors.exception.class.name"] for letter in letters] == [
        *("not_json", "wrong_shape", "unknown_type", "no_type")
    ]
    assert letters[0].value == b"\xff not json"


async def test_why_a_source_waits_is_told_by_every_replica(
    watch: Watch, raw: RawWriter, mta_file: Table, tmp_path: Path
) -> None:
    settings = {"OKR_SOURCES__FOLDER": str(tmp_path), "OKR_ETL__SWEEP_SECONDS": "0.2"}
    await raw.release("unheard_of", mta_file[0], mta_file[1][:10])
    with watch.stack.service("etl", settings) as one, watch.stack.service("etl", settings) as other:
        for replica in (one, other):
            async with httpx2.AsyncClient(base_url=replica.url) as rest:

                async def told(rest: httpx2.AsyncClient = rest) -> bool:
                    return "unheard_of" in (await rest.get("/status")).json()["waiting"]

                await until(told, "the source waits")
                why = (await rest.get("/quality")).json()["waiting"]["unheard_of"]
                assert (why["position"], why["reason"]) == (1, "no_mapping")
        (tmp_path / "unheard_of.yaml").write_text(MTA)
        await watch.until("processed", "select count(*)::int from check_in", 10)
        await watch.until("processed", "select count(*)::int from source_wait", 0)


async def test_a_source_without_a_sound_mapping_waits_and_the_others_go_on(
    watch: Watch, raw: RawWriter, mta_file: Table, tmp_path: Path
) -> None:
    header, rows = mta_file
    (tmp_path / "mta_nyct.yaml").write_text(MTA)
    (tmp_path / "broken.yaml").write_text(MTA.replace("YTD_TARGET, type", "YTD_TARGT, type"))
    settings = {"OKR_SOURCES__FOLDER": str(tmp_path), "OKR_ETL__SWEEP_SECONDS": "0.3"}
    with watch.stack.service("etl", settings) as service:
        for source in ("unheard_of", "broken", "mta_nyct"):
            await raw.tell(await raw.release(source, header, rows[:10]))
        await watch.until("processed", "select count(*)::int from check_in", 10)
        async with httpx2.AsyncClient(base_url=service.url) as rest:

            async def both_wait() -> bool:
                return len((await rest.get("/status")).json()["waiting"]) == 2

            await until(both_wait, "both sources waiting")
            waiting = (await rest.get("/status")).json()["waiting"]
            assert waiting["unheard_of"]["reason"] == "no_mapping"
            assert str(tmp_path / "unheard_of.yaml") in waiting["unheard_of"]["detail"]
            assert "YTD_TARGT, which the file's header lacks (it has YTD_TARGET)" in waiting["broken"]["detail"]
            (tmp_path / "broken.yaml").write_text(MTA)
            await watch.until("processed", "select count(*)::int from check_in", 20)
            await watch.until("processed", "select count(*)::int from source_wait", 1)
            assert (await rest.get("/status")).json()["waiting"].keys() == {"unheard_of"}


POINTS = ("after_copy", "before_commit", "after_commit", "between_acknowledgement_and_mark")


@pytest.mark.faults
@pytest.mark.parametrize("point", [POINTS[0], *(pytest.param(point, marks=pytest.mark.long) for point in POINTS[1:])])
async def test_kill_9_loses_and_doubles_nothing(
    watch: Watch, raw: RawWriter, mta_file: Table, tmp_path: Path, point: str
) -> None:
    header, rows = mta_file
    reached = tmp_path / "reached"
    crash = {"OKR_CRASH_AT": f"{point}:2", "OKR_CRASH_REACHED": str(reached)}
    with watch.stack.service("etl", crash) as service:
        await raw.tell(await raw.release("mta_nyct", header, rows[:3000], batch_rows=1000))
        assert service.wait(60) == -9
        assert reached.read_text() == point
        service.start()
        service.until_ready()
        await watch.until("processed", "select coalesce(max(position), 0)::int from batch_result", 3)
        await watch.until_curated()
    records = told(watch.stack, topics.PROCESSED_RECORDS)
    ids = {record.headers["ce_subject"]: record.headers["ce_id"] for record in records}
    assert len(ids) == len(set(ids.values())) == await watch.value("processed", "select count(*) from entity_version")
    assert await watch.value("processed", "select sum(new)::int from batch_result") == 3000
    assert await watch.value("processed", "select count(*) from check_in") == 3000
