"""A batch is decided in parts: while the learner goes through one, what it said of the one before is written.

All of it happens in the transaction of the batch. Predictions of a key result that ends in the same batch are learned
there, so they are written last.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from okr_common.delivery.offsets import Held
from okr_trainer import store
from okr_trainer.domain.drafts import Stored
from okr_trainer.domain.inputs import Input, Outcome
from okr_trainer.domain.learner import Step
from okr_trainer.memory import Memory, Remembered
from okr_trainer.messages import Heard
from okr_trainer.store import Owning, Writing

PART = 1_000
"""Inputs; each part costs a turn of the thread, and larger ones leave the database idle for longer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One model's part of a batch, with all that has to be known to decide it."""

    remembered: Remembered
    inputs: Sequence[Input]
    stored: Mapping[str, Sequence[Stored]]


@dataclass(frozen=True, slots=True)
class Work:
    """What was decided. Its predictions are written, the rest is not."""

    remembered: Remembered
    step: Step
    writing: Writing


async def asked(connection: Owning, memory: Memory, model: str, held: Held, heard: Sequence[Heard]) -> Asked:
    """Reads what is needed for what was heard of this model."""
    remembered = await memory.get(connection, model, held)
    learner = remembered.learner
    inputs = [each.one for each in heard if not learner.heard(each.source, each.place) and each.one is not None]
    await store.recall(connection, learner, inputs)
    return Asked(remembered, inputs, await store.unlearned(connection, learner, inputs))


async def decided(connection: Owning, one: Asked) -> Work:
    """Has the learner go through it, and writes what it predicts. Call it in the batch's transaction."""
    learner = one.remembered.learner
    ending = {each.key_result_id for each in one.inputs if isinstance(each, Outcome)}
    writing, step = await store.begin_writing(connection, learner.model), learner.begin()
    written: asyncio.Task[None] = asyncio.create_task(writing.write([]))
    try:
        for at in range(0, len(one.inputs), PART):
            done = len(step.drafts)
            await asyncio.to_thread(learner.go_on, one.inputs[at : at + PART], one.stored)
            new = [draft for draft in step.drafts[done:] if draft.key_result_id not in ending]
            said = await asyncio.to_thread(writing.said, new)
            await written
            written = asyncio.create_task(writing.write(said))
    finally:
        await asyncio.wait([written])  # else the connection would be busy with it
    await written
    learner.close()
    learner.release()
    last = [draft for draft in step.drafts if draft.key_result_id in ending]
    await writing.write(await asyncio.to_thread(writing.said, last))
    return Work(one.remembered, step, writing)
