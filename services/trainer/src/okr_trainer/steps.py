"""The steps of a run of the trainer: what a day asks of models that learn all the time.

A run writes no model itself: it asks for it by a work item, and the owner of the model does it between two batches.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from okr_common import polling
from okr_common.clock import utc_now
from okr_common.counted import counted
from okr_common.errors import PermanentError
from okr_common.postgres import work_items
from okr_common.run_steps import RunContext, Steps
from okr_common.runs import StepSkippedError
from okr_common.topics import PROCESSED_RECORDS
from okr_trainer.ageing import AGE
from okr_trainer.domain.daily import standing
from okr_trainer.domain.evaluation import headline
from okr_trainer.progress import Progress
from okr_trainer.trainings import CHALLENGE, REGISTER, TRAIN

PATIENCE_SECONDS = 600.0
"""How long the stream may take to reach what that day's etl published."""
WEEK = timedelta(days=7)
Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrainerSteps:
    """What a run does."""

    progress: Progress

    def as_steps(self) -> Steps:
        """By their names in the ledger."""
        return {
            "train_initial": self.train_initial,
            "update_incrementally": self.update_incrementally,
            "evaluate_validate": self.evaluate_validate,
            "register": self.register,
            "track_performance": self.track_performance,
        }

    async def train_initial(self, context: RunContext) -> Detail:
        """Once the stream has reached what etl published, every model that knows an outcome has a trained version.

        Raises PermanentError (training_postponed) for those whose trainings fail again and again, when the others are
        done: what to do stands in it, and so in the run's alert, also where one of the others failed. The run goes on,
        degraded.
        """
        await self._reach(_ends(context))
        untrained, now = await self.progress.untrained(), utc_now()
        waiting = {one.model: one for one in await self.progress.failing() if one.model in untrained and one.waits(now)}
        wanted = [model for model in untrained if model not in waiting]
        told = "; ".join(one.told for one in waiting.values())
        done: Detail = {}
        try:
            if wanted or not waiting:
                done = await self._have_done(context, TRAIN, wanted, "every model that knows an outcome is trained")
        except PermanentError as error:
            if not waiting:
                raise
            raise PermanentError(error.reason, f"{error}; {told}") from error
        if waiting:
            raise PermanentError("training_postponed", told)
        return done

    async def update_incrementally(self, context: RunContext) -> Detail:
        """The stream has a row for all it heard, up to what that day's etl published, and who is silent has aged."""
        ends = _ends(context)
        await self._reach(ends)
        answered = await self.progress.answered()
        lost = {model: one for model, one in answered.items() if one.unanswered or one.unheard}
        if lost:
            told = "; ".join(
                f"{model}: {counted(one.unanswered, 'check-in')}, {counted(one.unheard, 'outcome')}"
                for model, one in lost.items()
            )
            raise PermanentError("unanswered", f"heard, and no row made of it: {told}. `okr verify` names them")
        aged = await self._aged(context, list(answered))
        return {"reached": ends, "models": {model: asdict(one) for model, one in answered.items()}, "aged": aged}

    async def _aged(self, context: RunContext, models: list[str]) -> Detail:
        """Every open key result has an answer of today; how many of each model got one by this run."""
        if not models:
            return {}
        await work_items.request(context.pool, context.stage.service, AGE, models, context.run_id)
        done = await work_items.wait(context.pool, context.run_id, AGE)
        return {model: said["predictions"] for model, said in done.items()}

    async def evaluate_validate(self, context: RunContext) -> Detail:
        """Each champion's committed state proves to be what it claims; its predictions of which a label came since.

        Since the last run that succeeded, that is: labels of runs that failed are not lost.
        """
        champions = await self.progress.champions()
        if not champions:
            raise StepSkippedError("no model is trained yet, or none passed the gates")
        since = await self.progress.last_succeeded(context.run_id)
        return {one["model"]: await self._evaluated(one["model"], since) for one in champions}

    async def _evaluated(self, model: str, since: datetime | None) -> Detail:
        proof = await self.progress.validated(model)
        evaluated = await self.progress.evaluated(model, since)
        said = {"n": evaluated["all"]["n"], "scores": headline(evaluated)}
        return {**proof, "since": None if since is None else since.isoformat(), **said}

    async def register(self, context: RunContext) -> Detail:
        """What was learned since the registered versions is a version; challengers are judged, and may take over."""
        grown, challenged = await self.progress.grown(), await self.progress.challenged()
        done: dict[str, Any] = {}
        if grown or not challenged:
            done = {**await self._have_done(context, REGISTER, grown, "no model has learned since it was registered")}
        if challenged:
            judged = await self._have_done(context, CHALLENGE, challenged, "")
            done |= {model: {**done.get(model, {}), **said} for model, said in judged.items()}
        return done

    async def track_performance(self, context: RunContext) -> Detail:
        """The daily report: each model's last seven days beside its best baseline, and its report of seven days ago."""
        evaluated = context.results.get("evaluate_validate", {})
        before = await self.progress.report_before(context.logical_time - WEEK)
        found = {
            model: {**said, "week": await self._week(model, before.get(model))}
            for model, said in evaluated.items()
            if isinstance(said, Mapping)
        }
        if not found:
            raise StepSkippedError("no trained model serves yet")
        await self.progress.report(context.run_id, context.logical_time, found)
        return {model: said["week"] for model, said in found.items()}

    async def _week(self, model: str, before: Mapping[str, Any] | None) -> Detail:
        evaluated = await self.progress.evaluated(model, utc_now() - WEEK)
        return standing(evaluated["all"]["n"], headline(evaluated), before["week"] if before else None)

    async def _have_done(self, context: RunContext, kind: str, models: list[str], otherwise: str) -> Detail:
        """The owners of these models have done it."""
        if not models:
            raise StepSkippedError(otherwise)
        await work_items.request(context.pool, context.stage.service, kind, models, context.run_id)
        return await work_items.wait(context.pool, context.run_id, kind)

    async def _reach(self, ends: Mapping[str, int]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await polling.until(partial(self._reached, ends))
        except TimeoutError:
            behind = await self.progress.behind(ends)
            raise PermanentError(
                "not_caught_up", f"messages still to be read of {PROCESSED_RECORDS.name}, by partition: {behind}"
            ) from None

    async def _reached(self, ends: Mapping[str, int]) -> bool:
        return not await self.progress.behind(ends)


def _ends(context: RunContext) -> Mapping[str, int]:
    """Up to where etl's run published, by partition."""
    found: Mapping[str, int] = (
        context.upstream.get("publish", {}).get("end_offsets", {}).get(PROCESSED_RECORDS.name, {})
    )
    return found
