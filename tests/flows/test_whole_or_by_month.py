"""The file loaded whole and loaded month by month: the same entities, the same outcomes, and a training replay over
either gives the same predictions."""

from itertools import groupby

import asyncpg
import pytest

from okr_cli.testing import Flow, Published

SERVICES = ("ingest-csv", "etl", "trainer")
YEAR, MONTH = 10, 11
ENTITIES = """
select 'objective' as entity, objective_id as id, revision, content_hash from objective
union all select 'key_result', key_result_id, revision, content_hash from key_result
union all select 'check_in', check_in_id, revision, content_hash from check_in
union all select 'outcome', outcome_id, revision, content_hash from outcome
"""
VERSIONS = "select entity_id, revision, knowledge_time, payload::text from entity_version"
REPLAYED = """
select key_result_id, check_in_id, revision, knowledge_time, raw, probability, learned_seq, features::text
from prediction where kind = 'replay' and training = (select max(training) from model_version)
"""
ASK = """
insert into work_item (pipeline, kind, subject, parameters)
values ('trainer', 'train_initial', 'mta_nyct', '{"rebuild": true}')
"""
Rows = frozenset[tuple[object, ...]]


@pytest.mark.stack
@pytest.mark.timeout(400)
async def test_the_same_comes_of_both(flow: Flow, published: Published) -> None:
    months = [list(rows) for _, rows in groupby(sorted(published.rows, key=month_of), key=month_of)]
    assert len(months) == 125  # January 2008 to May 2018
    whole = await load(flow, [published.encoded(published.rows)], len(published.rows))
    flow.stack.clean()
    split = await load(flow, [published.encoded(rows) for rows in months], len(published.rows))
    for name, rows in whole.items():
        differing = sorted(rows ^ split[name], key=str)
        assert not differing, f"{name}: {len(differing)} of {len(rows)} rows differ, as {differing[:4]}"


def month_of(row: list[str]) -> tuple[int, int]:
    return int(row[YEAR]), int(row[MONTH])


async def load(flow: Flow, files: list[bytes], rows: int) -> dict[str, Rows]:
    with flow.stack.supervised(SERVICES):
        for number, content in enumerate(files):
            flow.drop(f"{number:03}.csv", content)
        await flow.predicted(rows, within_seconds=150)
        await flow.until("ops", "select exists (select from model_version where version = 1)", wanted=True)
        before = await flow.ask("ops", "select max(version) from model_version")
        await ask_for_a_training(flow)
        await flow.until("ops", "select max(version) from model_version", before + 1)
    return {
        "entities": await rows_of(flow, "processed", ENTITIES),
        "versions": await rows_of(flow, "processed", VERSIONS),
        "replayed": await rows_of(flow, "ops", REPLAYED),
    }


async def ask_for_a_training(flow: Flow) -> None:
    connection = await asyncpg.connect(flow.stack.dsn("okr_trainer", "ops"))
    await connection.execute(ASK)
    await connection.close()


async def rows_of(flow: Flow, database: str, query: str) -> Rows:
    connection = await flow.reach.connect(database)
    try:
        return frozenset(tuple(row) for row in await connection.fetch(query))
    finally:
        await connection.close()
