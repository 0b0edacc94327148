"""A challenger takes the place of the one that serves, and that one goes on in the shadow: neither forgets anything.

Both have learned the same rows, so the order of learning goes on where it is, and its training keeps its number.
"""

from collections.abc import Collection

from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_trainer import following
from okr_trainer.domain.following import Follower
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, Predictor
from okr_trainer.following import Following
from okr_trainer.store import SQL

MOST_BEHIND = 20_000
"""Rows. The stream stands still while they are learned, some seconds at most; the challenger's own process goes on."""


async def caught_up(connection: Connection, learner: Learner, pipeline: str) -> Following:
    """The challenger with all that its model has learned; until this transaction ends nobody else writes it.

    Raises PermanentError: no_such_challenger, challenger_behind, challenger_waits, checkpoint_refused.
    """
    name = following.lock(learner.model, pipeline)
    await connection.execute(SQL["end_shadow"], name)
    await connection.execute(SQL["take_shadow"], name)
    made = await following.take(connection, learner.model, pipeline)
    if made is None or made.training != learner.predictor.training:
        raise PermanentError(
            "no_such_challenger",
            f"{pipeline} has not learned the history of {learner.model} in its shadow; `okr models challengers "
            f"{learner.model}` shows which have",
        )
    served = learner.predictor
    behind = served.learned - made.learned if isinstance(served, LearnedModel) else 0
    if behind > MOST_BEHIND:
        raise PermanentError("challenger_behind", f"{pipeline} is {behind} rows behind {learner.model}, and goes on")
    while made.waits is None and await following.go_on(connection, made):
        pass
    if made.waits is not None:
        raise PermanentError("challenger_waits", f"{pipeline} does not go on: {made.waits}")
    await following.put(connection, made)
    return made


async def in_shadow(connection: Connection, learner: Learner, pipeline: str) -> LearnedModel | None:
    """This pipeline as it has learned in the shadow of the one that serves; None where it has not, or not all of it."""
    if not isinstance(learner.predictor, LearnedModel) or learner.predictor.builder == pipeline:
        return None
    try:
        return (await caught_up(connection, learner, pipeline)).follower.model
    except PermanentError:
        return None


async def step_back(connection: Connection, learner: Learner, serves: Predictor, wanted: Collection[str]) -> None:
    """Whoever served until now goes on in the shadow of whoever serves from now on, where it is wanted there."""
    served = learner.predictor
    if not isinstance(served, LearnedModel) or not isinstance(serves, LearnedModel):
        return
    await connection.execute(SQL["forget_challenger"], learner.model, serves.builder)
    if served.builder in wanted and (served.training, served.learned) == (serves.training, serves.learned):
        made = Following(learner.model, served.builder, served.training, Follower(served))
        made.heard = await connection.fetchval(SQL["heard_last"], learner.model)
        made.unit = await connection.fetchval(SQL["next_unit"])
        await following.put(connection, made)
