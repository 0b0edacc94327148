"""What a training reads of okr_processed: its order, and which closings are a part of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from okr_trainer.store import SQL

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
DAY = datetime(2026, 3, 1, tzinfo=UTC)
PUT = """
insert into entity_version (source, position, seq, generation, entity, entity_id, revision, knowledge_time, batch_id,
    row_num, payload, closed)
values ('s', $1, $2, 1, $3, $4, $5, $6, 1, 1, json_build_object('source_id', $7::text), $8)
"""
Told = tuple[str, str, int, str | None]


class Versions:
    """Puts versions behind each other, at position 1 unless another one is named."""

    def __init__(self, database: Any) -> None:  # noqa: ANN401 - a connection
        self._database = database
        self._seq = 0

    async def put(self, told: Told, *, days: int = 0, position: int = 1) -> None:
        entity, name, revision, closed = told
        self._seq += 1
        own = uuid5(UUID(int=0), f"{entity} {name}")
        known = DAY + timedelta(days=days)
        await self._database.execute(PUT, position, self._seq, entity, own, revision, known, name, closed)

    async def history(self, position: int = 9) -> list[Told]:
        rows = await self._database.fetch(SQL["history"], ["s"], [1], [position], [1_000])
        names = {row["entity_id"]: row["payload"].split('"')[3] for row in rows}
        return [(row["entity"], names[row["entity_id"]], row["revision"], row["closed"]) for row in rows]


@pytest.fixture
def versions(scene: Any) -> Versions:  # noqa: ANN401 - see there
    return Versions(scene.processed)


async def test_a_closing_comes_after_all_that_became_known_with_it(versions: Versions) -> None:
    told: list[Told] = [
        ("key_result", "a", 2, "absent"),
        ("outcome", "a", 1, None),
        ("check_in", "a/1", 1, None),
        ("key_result", "b", 1, None),
        ("key_result", "a", 1, None),
    ]
    for one in told:
        await versions.put(one)
    await versions.put(("check_in", "b/1", 1, None), days=1)
    await versions.put(("check_in", "b/0", 1, None), days=-1)
    assert await versions.history() == [
        ("check_in", "b/0", 1, None),
        ("key_result", "a", 1, None),
        ("key_result", "b", 1, None),
        ("check_in", "a/1", 1, None),
        ("outcome", "a", 1, None),
        ("key_result", "a", 2, "absent"),
        ("check_in", "b/1", 1, None),
    ]


async def test_a_closing_counts_until_something_opens_the_key_result_again(versions: Versions) -> None:
    await versions.put(("key_result", "a", 1, None))
    await versions.put(("key_result", "a", 2, "absent"), days=1)
    await versions.put(("key_result", "a", 3, None), days=2, position=2)
    assert await versions.history(position=1) == [("key_result", "a", 1, None), ("key_result", "a", 2, "absent")]
    assert await versions.history(position=2) == [("key_result", "a", 1, None), ("key_result", "a", 3, None)]
    await versions.put(("key_result", "a", 4, "absent"), days=3, position=3)
    assert await versions.history(position=3) == [
        ("key_result", "a", 1, None),
        ("key_result", "a", 3, None),
        ("key_result", "a", 4, "absent"),
    ]


async def test_a_training_unlearns_what_was_learned_of_a_key_result_that_is_deleted(versions: Versions) -> None:
    kinds = (("key_result", "a"), ("check_in", "a/1"), ("outcome", "a"))
    for entity, name in kinds:
        await versions.put((entity, name, 1, None))
    await versions.put(("outcome", "a", 2, None), days=1)
    for entity, name in kinds:
        await versions.put((entity, name, 3 if entity == "outcome" else 2, "absent_deleted"), days=2)
    assert await versions.history() == [
        ("key_result", "a", 1, None),
        ("check_in", "a/1", 1, None),
        ("key_result", "a", 2, "absent_deleted"),
        ("check_in", "a/1", 2, "absent_deleted"),
    ]


async def test_what_a_replay_closed_or_withdrew_is_no_part_of_it(versions: Versions, scene: Any) -> None:  # noqa: ANN401
    await versions.put(("key_result", "a", 1, None))
    await versions.put(("key_result", "a", 2, "replayed"), position=2)
    await versions.put(("key_result", "b", 1, None))
    withdrawn = uuid5(UUID(int=0), "key_result a")
    await scene.processed.execute(
        "insert into withdrawn (entity_id, revision, generation) values ($1, 1, 1)", withdrawn
    )
    assert await versions.history() == [("key_result", "b", 1, None)]
