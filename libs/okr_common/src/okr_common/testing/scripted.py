"""Steps that tests script: what each does by name, and a record of what was done."""

from collections.abc import Mapping
from typing import Any

from okr_common.run_steps import RunContext, StepFunction, Steps
from okr_common.topology import Stage


class Script:
    """Every step of the stage succeeds at once, unless `acts` says what it does."""

    def __init__(self, stage: Stage, **acts: StepFunction) -> None:
        self.stage = stage
        self.done: list[str] = []
        self._acts = acts

    @property
    def steps(self) -> Steps:
        """For a Runner or a ControlPlane."""
        return {name: self._step(name) for name in self.stage.steps}

    def _step(self, name: str) -> StepFunction:
        async def act(context: RunContext) -> Mapping[str, Any]:
            self.done.append(name)
            return await self._acts[name](context) if name in self._acts else {"did": name}

        return act
