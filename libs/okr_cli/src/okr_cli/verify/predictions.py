"""okr_processed against okr_ops: what asked for a prediction has exactly one, and every outcome was heard."""

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check
from okr_cli.verify.merge import outer_join
from okr_cli.verify.pairs import pairs

KEY = ("entity_id", "revision")
OUTCOME = ("key_result_id", "final_value", "target", "achieved")


async def check(of: Evidence) -> list[Check]:
    """Stream, replays, outcomes, order."""
    return [await _models(of), await _stream(of), await _replays(of), await _outcomes(of), await _kept(of)]


async def _models(of: Evidence) -> Check:
    check = Check(
        "trainer: models",
        "every source of which a key result was told is served by a model, which stands at a registered version",
    )
    served = {source for row in await of.ops.rows("models") for source in row["sources"]}
    for head in await of.processed.rows("heads"):
        if head["told"]:
            check.must_be(head["source"], "a model", "a model" if head["source"] in served else "none")
    for row in await of.ops.rows("checkpoints_astray"):
        check.find(row["model"], "a checkpoint of its champion", f"version {row['version']}, which is not")
    return check


async def _stream(of: Evidence) -> Check:
    check = Check(
        "trainer: predictions", "every version of a check-in or definition has exactly one, live or late, per model"
    )
    for model in await of.ops.rows("models"):
        wanted = pairs(of.processed.stream("to_predict", model["sources"]), *KEY)
        made = pairs(of.ops.stream("stream_predictions", model["model"]), *KEY)
        async for key, version, prediction in outer_join(wanted, made):
            _exactly_one(check, f"{model['model']}: {_name(key, version)}", version is not None, prediction)
    return check


async def _replays(of: Evidence) -> Check:
    check = Check("trainer: replays", "a training replay predicted each version before its cut exactly once")
    sources = {row["model"]: row["sources"] for row in await of.ops.rows("models")}
    for training in await of.ops.rows("trainings"):
        cut = {source: place_of(mark) for source, mark in orjson.loads(training["cut"]).items()}
        wanted = pairs(of.processed.stream("to_predict", sources[training["model"]]), *KEY)
        made = pairs(of.ops.stream("replay_predictions", training["model"], training["training"]), *KEY)
        async for key, version, prediction in outer_join(wanted, made):
            covered = version is not None and covers(cut, version)
            where = f"{training['model']}, training {training['training']}: {_name(key, version)}"
            _exactly_one(check, where, covered, prediction)
    return check


Place = tuple[int, int, int]


def place_of(mark: Any) -> Place:  # noqa: ANN401 - JSON
    """Generation, position and seq of a mark, written as an object or as a list.

    >>> place_of({"generation": 1, "position": 2, "seq": 3}) == place_of([1, 2, 3])
    True
    """
    if isinstance(mark, dict):
        return int(mark["generation"]), int(mark["position"]), int(mark["seq"])
    generation, position, seq = mark[:3]
    return int(generation), int(position), int(seq)


def covers(cut: Mapping[str, Place], version: Mapping[str, Any] | asyncpg.Record) -> bool:
    """Whether a replay up to this cut went over the version: one that was withdrawn by then did not hold.

    >>> version = {"source": "mta", "generation": 1, "position": 2, "seq": 4, "withdrawn_in": 2}
    >>> [covers({"mta": cut}, version) for cut in ((1, 2, 3), (1, 2, 4), (2, 2, 1))]
    [False, True, False]
    """
    place = (version["generation"], version["position"], version["seq"])
    until = cut.get(version["source"], (0, 0, 0))
    return place <= until and not (version["withdrawn_in"] and version["withdrawn_in"] <= until[0])


def _name(key: tuple[Any, ...], version: asyncpg.Record | None) -> str:
    return f"{version['entity'] if version else 'version'} {key[0]}@{key[1]}"


def _exactly_one(check: Check, where: str, wanted: bool, prediction: asyncpg.Record | None) -> None:  # noqa: FBT001 - private
    found = prediction["predictions"] if prediction else 0
    if wanted or found:
        check.must_be(where, int(wanted), found)


async def _outcomes(of: Evidence) -> Check:
    check = Check("trainer: outcomes", "every version of an outcome was heard once by its model, as it is")
    for model in await of.ops.rows("models"):
        wanted = pairs(of.processed.stream("outcome_versions", model["sources"]), *KEY)
        heard = pairs(of.ops.stream("outcomes_heard", model["model"]), *KEY)
        async for key, version, found in outer_join(wanted, heard):
            expected = _said(version)
            check.must_be(f"{model['model']}: outcome {key[0]}@{key[1]}", expected, _said(found))
    return check


def _said(row: asyncpg.Record | None) -> tuple[str, ...] | str:
    return "none" if row is None else tuple(str(row[name]) for name in OUTCOME)


async def _kept(of: Evidence) -> Check:
    check = Check(
        "trainer: order",
        "a key result's predictions are numbered without a hole, learned once; what is shown is one of them",
    )
    for model in await of.ops.rows("models"):
        defined = pairs(of.processed.stream("defined", model["sources"]), "key_result_id")
        held = pairs(of.ops.stream("states_of", model["model"]), "key_result_id")
        async for (key_result,), is_defined, state in outer_join(defined, held):
            where = f"{model['model']}: key result {key_result}"
            check.must_be(where, is_defined is not None, state is not None)
    for row in await of.ops.rows("scores_astray"):
        check.find(
            f"{row['model']}: learned as number {row['learned_seq']}", "one prediction", f"{row['rows']} of them"
        )
    for row in await of.ops.rows("seqs_with_holes"):
        found = f"{row['predictions']} of them, numbered {row['lowest']} to {row['highest']}"
        check.find(f"{row['model']}: {row['key_result']}", "predictions numbered 1, 2, 3", found)
    for row in await of.ops.rows("states_astray"):
        found = f"{row['kind']} {row['stored_risk']} {row['stored_probability']}" if row["is_there"] else "none"
        expected = f"prediction {row['prediction_id']}: {row['risk']} {row['probability']}"
        check.find(f"{row['model']}: {row['key_result']}", expected, found)
    return check
