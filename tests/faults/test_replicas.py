"""Two replicas of etl, and what may happen to them while five sources load, one is done again and goals come due.

Whatever happens: what is published and what holds in the end is what an undisturbed run makes of the same files.
"""

import asyncio
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg
import psutil
import pytest

from okr_common.testing.waiting import until
from okr_etl.testing.exports import SOURCES
from okr_stack.solo import SoloService

if TYPE_CHECKING:
    from conftest import Company

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(1800)]
SMALL = {"OKR_INGEST_CSV__BATCH_ROWS": "1000"}
TINY = {"OKR_INGEST_CSV__BATCH_ROWS": "20"}
WAIT_SECONDS = 240.0
TAKEN_OVER_SECONDS = 30.0
BEYOND_SESSIONS_SECONDS = 13.0
"""A consumer's session ends after 6 s, a relay's lease after 10 s."""
MIDST = "select client_port from pg_stat_activity where usename = 'okr_etl' and backend_xid is not null"


@dataclass(frozen=True)
class Siege:
    """Under each seed so many kills over loads of so many rows; one under way is left alone for at most `spare` s."""

    seeds: tuple[int, ...]
    kills: int
    rows: int
    spare: float
    env: dict[str, str] = field(default_factory=dict)


SHORT = Siege((1, 2, 3), 2, 8_000, 0.8, SMALL)
LONG = Siege((20261126, 20261127), 25, 200_000, 3.0)


@pytest.mark.parametrize("siege", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
async def test_two_replicas_killed_at_random_moments_make_what_one_makes_undisturbed(
    company: "Company", siege: Siege, capsys: pytest.CaptureFixture[str]
) -> None:
    began, hit = time.monotonic(), 0
    with company.at_work(**siege.env):
        for number, seed in enumerate(siege.seeds):
            hit += await besieged(company, siege, seed)
            if number == 0:
                company.replay((await until(company.ready, within=WAIT_SECONDS))[0])
        for etl in company.etls:
            etl.until_ready()
        await until(company.is_at_rest, within=WAIT_SECONDS)
    kills = siege.kills * len(siege.seeds)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{kills} kills in {time.monotonic() - began:.0f} s, {hit} of them while something was to be done, "
            f"over {company.loads} loads of {siege.rows:,} rows\n"
        )
    assert hit > kills // 2, "most of them where it hurts"
    await company.is_as_if_nothing_had_happened()
    assert await company.flow.ask("processed", "select count(*) from replay_done") == 1


async def besieged(company: "Company", siege: Siege, seed: int) -> int:
    """How many of the kills came while something was to be done."""
    chance, hit = random.Random(seed), 0  # noqa: S311 - moments, not secrets
    for _ in range(siege.kills):
        if await company.is_at_rest():
            company.load(siege.rows, seed)
            await until(company.is_applying, within=WAIT_SECONDS, every=0.01)
        ready = await until(company.ready, within=WAIT_SECONDS)
        await asyncio.sleep(chance.uniform(0, siege.spare))  # the moment is the point
        hit += await company.is_applying()
        etl = chance.choice(ready)
        os.kill(etl.pid, signal.SIGKILL)
        etl.wait(10)
        etl.start()
    return hit


async def test_two_replicas_share_the_sources_and_no_batch_is_prepared_by_both(company: "Company") -> None:
    with company.at_work(**SMALL):
        await until(company.is_shared, within=WAIT_SECONDS)
        company.load(8_000, seed=7)
        await until(company.is_at_rest, within=WAIT_SECONDS)
        first, second = await company.prepared()
    assert all((first, second)), "each has its part"
    assert first.keys().isdisjoint(second)
    assert first.keys() | second.keys() == SOURCES.keys()
    await company.is_as_if_nothing_had_happened()


@pytest.mark.parametrize("how", [pytest.param("killed", marks=pytest.mark.long), "stopped"])
async def test_the_sources_of_a_replica_that_is_gone_are_taken_over(company: "Company", how: str) -> None:
    """Also where it holds a head in the midst of a batch, and wakes up when all is done."""
    with company.at_work(**SMALL):
        company.load(8_000, seed=4)
        gone = await gone_in_the_midst(company, signal.SIGSTOP if how == "stopped" else signal.SIGKILL)
        behind = await company.behind()
        assert behind, "it was in the midst of a batch"

        async def are_taken_over() -> bool:
            now = await company.behind()
            return all(now.get(source, position + 1) > position for source, position in behind.items())

        await until(are_taken_over, within=TAKEN_OVER_SECONDS)
        await until(company.is_at_rest, within=WAIT_SECONDS)
        if how == "stopped":
            os.kill(gone.pid, signal.SIGCONT)
            gone.until_ready()
            company.load(500, seed=4)
            await until(company.is_at_rest, within=WAIT_SECONDS)
    await company.is_as_if_nothing_had_happened()


async def gone_in_the_midst(company: "Company", by: signal.Signals) -> SoloService:
    """Stops replicas until one of them stands in a transaction that has written something."""
    connection = await asyncpg.connect(company.flow.stack.admin_dsn("okr_processed"))
    try:
        while True:
            for etl in company.etls:
                os.kill(etl.pid, signal.SIGSTOP)
                ports = {one.laddr.port for one in psutil.Process(etl.pid).net_connections()}
                if ports & {row["client_port"] for row in await connection.fetch(MIDST)}:
                    os.kill(etl.pid, by)
                    return etl
                os.kill(etl.pid, signal.SIGCONT)
                await asyncio.sleep(0.01)  # it works on
            assert not await company.is_at_rest(), "no replica was met in the midst of a batch"
    finally:
        await connection.close()


async def test_a_replay_is_taken_over_from_a_replica_that_stands_still(company: "Company") -> None:
    with company.at_work(**TINY):
        await until(company.is_shared, within=WAIT_SECONDS)
        company.load(2_000, seed=8)
        await until(company.is_at_rest, within=WAIT_SECONDS)
        owner = await company.owner("works")
        company.replay(owner, "works")

        async def is_in_the_midst() -> bool:
            return bool(await company.flow.ask("processed", "select count(*) from replay where position > 3"))

        await until(is_in_the_midst, within=WAIT_SECONDS, every=0.005)
        os.kill(owner.pid, signal.SIGSTOP)
        assert await is_in_the_midst(), "it was stopped before its end"

        async def is_done() -> bool:
            return bool(await company.flow.ask("processed", "select count(*) from replay_done"))

        await until(is_done, within=TAKEN_OVER_SECONDS + 10)
        os.kill(owner.pid, signal.SIGCONT)
        owner.until_ready()
        company.load(500, seed=8)
        await until(company.is_at_rest, within=WAIT_SECONDS)
    await company.is_as_if_nothing_had_happened()


@pytest.mark.long
async def test_both_replicas_stopped_beyond_their_sessions_go_on(company: "Company") -> None:
    with company.at_work(**SMALL):
        company.load(8_000, seed=5)
        await until(company.is_applying, within=WAIT_SECONDS, every=0.01)
        for etl in company.etls:
            os.kill(etl.pid, signal.SIGSTOP)
        company.load(1_000, seed=5)
        await asyncio.sleep(BEYOND_SESSIONS_SECONDS)
        assert not await company.is_at_rest()
        for etl in company.etls:
            os.kill(etl.pid, signal.SIGCONT)
        await until(company.is_at_rest, within=WAIT_SECONDS)
    await company.is_as_if_nothing_had_happened()


@pytest.mark.long
@pytest.mark.parametrize("part", ["postgres", "kafka"])
async def test_a_server_is_killed_and_started_again_under_two_replicas(company: "Company", part: str) -> None:
    with company.at_work():
        company.load(100_000, seed=6)
        await until(company.is_applying, within=WAIT_SECONDS, every=0.01)
        await asyncio.sleep(1)  # somewhere in the load
        pid = company.flow.stack.part(part).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        company.load(10_000, seed=6)
        await until(company.is_at_rest, within=WAIT_SECONDS)
    await company.is_as_if_nothing_had_happened()
