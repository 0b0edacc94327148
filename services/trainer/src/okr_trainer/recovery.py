"""A checkpoint that was refused: who answers, in the order of trust.

First the version that serves by the registry, then the one before it, each as it was registered and with what was
learned since; at last version 0, the pace rule, until a training has made a version anew. Each daily run asks for one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from okr_common.delivery import offsets
from okr_common.delivery.offsets import Held
from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.events import CheckpointRefused
from okr_common.logs import logger
from okr_common.topology import STAGES
from okr_trainer import changes, promotion, store
from okr_trainer.changes import Change
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, PaceRule, Predictor
from okr_trainer.store import SQL

STAGE = STAGES["trainer"]
log = logger(__name__)


async def recover(
    connection: Connection, unproven: Learner, refused: Mapping[str, Any], held: Held, why: str
) -> Learner:
    """The learner with a model that can be trusted; committed at once, with the event, under the owner's epoch."""
    async with connection.transaction():
        predictor, again = await _trusted(connection, unproven.model)
        recovered = replace(unproven, predictor=predictor)
        if predictor.version:
            await changes.crown(connection, unproven.model, predictor.version)
        else:
            await store.ask_for_rebuild(connection, unproven.model)
        await store.put_checkpoint(connection, recovered, None)
        await _tell(connection, recovered, refused["version"], again, why)
        await offsets.commit(connection, held, held.next_offset)
    log.warning("model_recovered", model=unproven.model, version=predictor.version, learned_again=again)
    return recovered


async def _trusted(connection: Connection, model: str) -> tuple[Predictor, int]:
    for row in await connection.fetch(SQL["trusted_versions"], model):
        try:
            return await promotion.taken_up(connection, model, dict(row))
        except PermanentError as error:
            log.warning("version_refused", model=model, version=row["version"], error=str(error))
    return PaceRule(), 0


async def _tell(connection: Connection, learner: Learner, refused: int, again: int, why: str) -> None:
    predictor = learner.predictor
    digest = predictor.digest if isinstance(predictor, LearnedModel) else None
    change = Change(
        *(learner.model, "recovered", predictor.version, refused, predictor.version, "recovery", why),
        learned_again=again,
        state_digest=digest,
    )
    change_id = await changes.write(connection, STAGE, change)
    event = CheckpointRefused(
        model=learner.model, version=refused, change_id=change_id, serves=predictor.version, reason=why
    )
    await changes.say(connection, STAGE, event)
