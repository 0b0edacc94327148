"""The learners this process has in memory; each can be dropped at any time and comes back from what was committed.

A learner is trusted only under the epoch it was loaded or made in: whoever takes a partition over raises it, also where
this process takes back what another one held meanwhile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from okr_common.delivery.offsets import Held
from okr_common.delivery.outbox import Connection
from okr_common.errors import PermanentError
from okr_common.logs import logger
from okr_trainer import recovery, store
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.predictors import LearnedModel, PaceRule
from okr_trainer.settings import TrainerSettings
from okr_trainer.standing import restore, unproven

log = logger(__name__)


@dataclass(slots=True)
class Remembered:
    """A learner, and how many rows the model in its committed checkpoint has learned."""

    learner: Learner
    partition: int
    epoch: int
    saved: int | None


class Memory:
    """Learners by model."""

    def __init__(self, settings: TrainerSettings) -> None:
        self._settings = settings
        self._known: dict[str, Remembered] = {}

    def __iter__(self) -> Iterator[Remembered]:
        return iter(self._known.values())

    async def get(self, connection: Connection, model: str, held: Held) -> Remembered:
        """The learner of this model, from memory or from its checkpoint."""
        known = self._known.get(model)
        if known is None or known.epoch != held.epoch:
            known = self._known[model] = await self._load(connection, model, held)
        return known

    def replace(self, learner: Learner, held: Held) -> None:
        """After a training."""
        learned = learner.predictor.learned if isinstance(learner.predictor, LearnedModel) else None
        self._known[learner.model] = Remembered(learner, held.partition, held.epoch, learned)

    def forget(self, unwanted: Callable[[Remembered], bool] = lambda _: True) -> None:
        """Drops learners."""
        self._known = {model: one for model, one in self._known.items() if not unwanted(one)}

    async def _load(self, connection: Connection, model: str, held: Held) -> Remembered:
        row = await store.checkpoint_of(connection, model)
        if row is None:
            await store.register(connection, model, self._settings.sources_of(model))
            return Remembered(Learner(model, PaceRule(), self._settings.cut_points), held.partition, held.epoch, None)
        try:
            learner = restore(model, row, self._settings.cut_points)
        except PermanentError as error:
            log.exception("checkpoint_refused", model=model, reason=str(error))
            claimed = unproven(model, row, self._settings.cut_points)
            learner = await recovery.recover(connection, claimed, row, held, str(error))
            row = {**row, "learned": learner.predictor.learned if isinstance(learner.predictor, LearnedModel) else None}
        await store.recall_open(connection, learner)
        log.info("model_loaded", model=model, version=learner.predictor.version, open_key_results=len(learner.states))
        return Remembered(learner, held.partition, held.epoch, row["learned"] if row["state"] else None)
