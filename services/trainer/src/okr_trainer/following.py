"""A challenger follows what its model's owner has committed to okr_ops: it needs no topic, and makes no features.

Whoever takes a challenger in a transaction is its only writer until that ends; its row says how far it has followed,
and moves with what it said. So it may run in any process, beside its owner's or elsewhere, and stop at any moment.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

import orjson

from okr_common.delivery.outbox import Connection
from okr_trainer.domain.checkpoint import Checkpoint, load, save
from okr_trainer.domain.following import Asked, Follower, Lesson, broken
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.store import SQL, Row

PAGE = 5_000
"""Predictions, or rows of history, at once."""
OUTCOMES = 500
SAID = ("model", "prediction_id", "pipeline", "training", "raw", "probability")
HOLE = "rows that its model has learned are not there in the order of learning; the next training has all of them"
TOO_OLD = (
    "its model's training does not say after how many rows each prediction was made; `okr models rebuild` makes one "
    "that does"
)


@dataclass(slots=True)
class Following:
    """A challenger, and how far it has followed its model. `saved`: the proof of its stored state; None: none is."""

    model: str
    pipeline: str
    training: int
    follower: Follower
    heard: int = 0
    unit: int = 0
    waits: str | None = None
    seconds: float = 0.0
    saved: str | None = None
    saved_at: int = -1

    @property
    def learned(self) -> int:
        """So many rows of the order it follows."""
        return self.follower.model.learned


def lock(model: str, pipeline: str) -> str:
    """Under which name a transaction is the one that writes this challenger."""
    return f"challenger/{model}/{pipeline}"


async def take(connection: Connection, model: str, pipeline: str, known: Following | None = None) -> Following | None:
    """The challenger as it was committed, or None where it has not begun. `known`: it, as it was last remembered."""
    row = await connection.fetchrow(SQL["challenger"], model, pipeline)
    if row is None:
        return None
    if known is not None and (known.saved, known.unit, known.heard) == (row["sha256"], row["unit"], row["heard"]):
        return known
    state = await connection.fetchrow(SQL["challenger_state"], model, pipeline)
    loaded = await asyncio.to_thread(_loaded, state)
    said = (row["heard"], row["unit"], row["waits"], row["seconds"], row["sha256"], loaded.learned)
    return Following(model, pipeline, row["training"], Follower(loaded), *said)


def _loaded(row: Any) -> LearnedModel:  # noqa: ANN401 - asyncpg has no type for a row that mypy knows
    return load(
        Checkpoint(
            row["state"], row["sha256"], row["contract_hash"], orjson.loads(row["libraries"]), row["state_digest"]
        )
    )


async def begin(connection: Connection, model: str, pipeline: str, training: int) -> Following:
    """It goes through the training's history, from the first row on; what it said along another one is forgotten."""
    await connection.execute(SQL["forget_shadow"], model, pipeline, training)
    first = await connection.fetchrow(SQL["training_began"], model, training)
    assert first is not None  # noqa: S101 - a training that serves is in the registry
    made = Following(model, pipeline, training, Follower(LearnedModel.new(first["version"], training, pipeline)))
    made.heard = first["heard"]
    history = await connection.cursor(SQL["replayed"], model, training)
    learned = first["learned"]
    order = await connection.cursor(SQL["learned_rows"], model, training, made.heard, learned, learned, pipeline)
    async for lessons in _by_outcome(order):
        await _ask(history, made, lessons[-1][-1].seq)
        made.waits = made.waits or broken(made.learned, lessons)
        if made.waits:
            return made
        await _follow(connection, made, lessons)
    while await _ask(history, made, None):
        await _follow(connection, made, [])
    if made.learned < learned:
        made.waits = f"row {made.learned + 1} of its training's history is not there any more"
    made.follower.rest()
    return made


async def _by_outcome(order: Any) -> AsyncIterator[list[list[Lesson]]]:  # noqa: ANN401 - asyncpg's cursor has no type
    """Rows of history some at a time, those of one outcome together."""
    rows: list[Row] = []
    while page := await order.fetch(PAGE):
        whole = [list(group) for _, group in groupby([*rows, *page], key=lambda row: row["key_result_id"])]
        rows = whole.pop()
        if whole:
            yield await asyncio.to_thread(_lessons, whole)
    if rows:
        yield await asyncio.to_thread(_lessons, [rows])


async def _ask(history: Any, made: Following, learned: int | None) -> bool:  # noqa: ANN401
    """All that was said before row `learned` is asked; None: the next page. False: there is nothing more."""
    asked = made.follower.asked
    while learned is None or not asked or asked[-1].learned_before < learned:
        page = await history.fetch(PAGE)
        if not page:
            return False
        if page[0]["learned_before"] is None:
            made.waits = TOO_OLD
            return False
        asked.extend(await asyncio.to_thread(_asked, page))
        if learned is None:
            break
    return True


async def go_on(connection: Connection, made: Following) -> bool:
    """The next part of the stream; whether more may be there.

    Whole units: within one, predictions do not stand in the order of learning. While more of them follow, nothing is
    learned beyond what was learned when the last of these was made.
    """
    (units, of), *_ = await connection.fetch(SQL["units_after"], made.model, made.unit, PAGE)
    more = of == PAGE
    if units:
        rows = await connection.fetch(SQL["asked"], made.model, units, made.training, made.pipeline)
        made.follower.asked.extend(await asyncio.to_thread(_asked, rows))
        made.unit = units[-1]
    asked = made.follower.asked
    upto = asked[-1].learned_before if asked else made.learned
    while True:
        taught, lessons = await _taught(connection, made)
        if more:
            lessons = [one for one in lessons if one[-1].seq <= upto]
        made.waits = made.waits or broken(made.learned, lessons)
        if made.waits:
            return False
        await _follow(connection, made, lessons)
        if lessons:
            made.heard = taught[len(lessons) - 1]["heard_seq"]
        if not lessons or made.learned >= upto:
            break
    if asked:
        made.waits = HOLE
    made.follower.rest()
    return made.waits is None and (more or len(taught) == OUTCOMES)


async def _taught(connection: Connection, made: Following) -> tuple[list[Row], list[list[Lesson]]]:
    """The next outcomes, and the rows that each of them taught."""
    taught = await connection.fetch(SQL["taught"], made.model, made.heard, OUTCOMES)
    key_results = list({row["key_result_id"] for row in taught})
    count = sum(row["learned"] for row in taught)
    asked = (made.model, key_results, made.training, made.pipeline, made.learned, count)
    rows = iter(await connection.fetch(SQL["lessons"], *asked) if taught else ())
    groups = [list(islice(rows, one["learned"])) for one in taught]
    if any(len(group) < one["learned"] or _other(one, group) for one, group in zip(taught, groups, strict=True)):
        made.waits = HOLE
        return taught, []
    achieved = [one["achieved"] for one in taught]
    return taught, await asyncio.to_thread(_lessons, groups, achieved)


def _other(taught: Row, rows: Iterable[Row]) -> bool:
    return any(row["key_result_id"] != taught["key_result_id"] for row in rows)


def _lessons(groups: Sequence[Sequence[Row]], achieved: Sequence[bool] | None = None) -> list[list[Lesson]]:
    """`achieved`: of each group, where its rows do not say it."""
    return [
        [
            Lesson(
                row["learned_seq"],
                row["prediction_id"],
                row["achieved"] if achieved is None else achieved[number],
                orjson.loads(row["features"]),
                row["raw"],
            )
            for row in group
        ]
        for number, group in enumerate(groups)
    ]


def _asked(rows: Iterable[Row]) -> list[Asked]:
    return [Asked(row["prediction_id"], orjson.loads(row["features"]), row["learned_before"]) for row in rows]


async def _follow(connection: Connection, made: Following, lessons: Sequence[Sequence[Lesson]]) -> None:
    """Learns these, and writes what it said on the way."""
    await asyncio.to_thread(made.follower.follow, lessons)
    said = [(made.model, one[0], made.pipeline, made.training, *one[1:]) for one in made.follower.take_said()]
    if said:
        await connection.copy_records_to_table("shadow_prediction", records=said, columns=list(SAID))


async def put(connection: Connection, made: Following) -> None:
    """How far it has followed; its state where it has learned."""
    place, cost = (made.heard, made.unit, made.waits), made.seconds
    if made.learned == made.saved_at:
        await connection.execute(SQL["move_challenger"], made.model, made.pipeline, *place, cost)
        return
    kept = await asyncio.to_thread(save, made.follower.model)
    await connection.execute(
        SQL["put_challenger"],
        *(made.model, made.pipeline, made.training, made.learned, *place, cost),
        *(kept.contract, orjson.dumps(kept.libraries).decode(), kept.digest, kept.sha256, kept.content),
    )
    made.saved, made.saved_at = kept.sha256, made.learned
