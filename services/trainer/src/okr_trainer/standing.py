"""Where a model stands, as a row of `checkpoint`, and back."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

from okr_trainer.domain.checkpoint import Checkpoint, libraries, load, save
from okr_trainer.domain.features import contract_hash
from okr_trainer.domain.forecast import Errors
from okr_trainer.domain.inputs import Place
from okr_trainer.domain.learner import Learner, SourceMark
from okr_trainer.domain.predictors import LearnedModel, PaceRule
from okr_trainer.domain.risk import CutPoints
from okr_trainer.domain.track_record import BaseRate


def restore(model: str, row: Mapping[str, Any], cut_points: CutPoints | None) -> Learner:
    """The learner a row describes, without its key results. Raises PermanentError("checkpoint_refused")."""
    learner = unproven(model, row, cut_points)
    if row["version"]:
        learner.predictor = load(
            Checkpoint(
                row["state"],
                row["sha256"],
                row["contract_hash"],
                orjson.loads(row["libraries"]),
                row["state_digest"],
            )
        )
    return learner


def unproven(model: str, row: Mapping[str, Any], cut_points: CutPoints | None) -> Learner:
    """The same, answering by the pace rule: all but the learned model is plain data."""
    return Learner(
        model,
        PaceRule(),
        cut_points,
        base_rate=BaseRate.of(row["outcomes"], row["achieved"], row["recent"]),
        errors=Errors.of(orjson.loads(row["forecast_errors"])),
        marks=marks_from_json(row["marks"]),
        watermark=row["watermark"],
    )


def row_of(learner: Learner, saved: int | None) -> tuple[Any, ...]:
    """The values of the query `put_checkpoint`. `saved`: rows the stored state had learned; None: none is stored."""
    model = learner.predictor
    proof: tuple[Any, ...] = (None, None, None)
    learned = model.learned if isinstance(model, LearnedModel) else 0
    if isinstance(model, LearnedModel) and learned != saved:
        checkpoint = save(model)
        proof = (checkpoint.digest, checkpoint.sha256, checkpoint.content)
    return (
        *(learner.model, model.version, model.training, marks_to_json(learner.marks)),
        *(learner.base_rate.outcomes, learner.base_rate.achieved, learner.base_rate.recent),
        *(learner.watermark, learned),
        *(contract_hash(), orjson.dumps(libraries()).decode(), *proof),
        None if learned == saved else orjson.dumps(learner.errors.newest).decode(),
    )


def marks_to_json(marks: Mapping[str, SourceMark]) -> str:
    """Per source: generation, position, seq, clock."""
    said = {
        source: {**mark.place._asdict(), "clock": date.fromordinal(mark.clock).isoformat() if mark.clock else None}
        for source, mark in marks.items()
    }
    return orjson.dumps(said).decode()


def marks_from_json(text: str) -> dict[str, SourceMark]:
    """What `marks_to_json` wrote."""
    return {
        source: SourceMark(
            Place(said["generation"], said["position"], said["seq"]),
            date.fromisoformat(said["clock"]).toordinal() if said["clock"] else 0,
        )
        for source, said in orjson.loads(text).items()
    }
