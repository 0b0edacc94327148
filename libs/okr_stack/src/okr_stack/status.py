"""What a stack says of itself: the supervisor writes it, everyone else reads it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from okr_stack.processes import is_ours
from okr_stack.state import State, read_json, write_json


class Phase(StrEnum):
    """Where the stack as a whole is."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    FAILED = "failed"


class Life(StrEnum):
    """Where one part is."""

    WAITING = "waiting"
    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    GAVE_UP = "gave up"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass
class PartStatus:
    """One part: `deaths` counts since the stack came up, `note` says why it is not ready."""

    name: str
    port: int
    life: Life = Life.WAITING
    pid: int | None = None
    since: float = 0.0
    deaths: int = 0
    note: str = ""


@dataclass
class StackStatus:
    """The whole stack; `error` says why it is down where it should be up, `served` which wishes were fulfilled."""

    phase: Phase = Phase.DOWN
    supervisor: int | None = None
    step: str = ""
    error: str = ""
    served: str = ""
    parts: dict[str, PartStatus] = field(default_factory=dict)

    @property
    def gave_up(self) -> list[PartStatus]:
        """Parts that were left dead."""
        return [part for part in self.parts.values() if part.life is Life.GAVE_UP]

    @property
    def all_ready(self) -> bool:
        """Whether every part works."""
        return bool(self.parts) and all(part.life is Life.READY for part in self.parts.values())


class Board:
    """The supervisor's own copy; each change is on disk at once."""

    def __init__(self, state: State, supervisor: int, now: Callable[[], float] = time.time) -> None:
        self._state = state
        self._now = now
        self.status = StackStatus(phase=Phase.STARTING, supervisor=supervisor)

    def say(self, **changes: Any) -> None:  # noqa: ANN401 -- any field of StackStatus
        """Change what holds for the stack."""
        for name, value in changes.items():
            setattr(self.status, name, value)
        write_json(self._state.status, asdict(self.status))

    def tell(self, part: str, **changes: Any) -> None:  # noqa: ANN401 -- any field of PartStatus
        """Change what holds for one part."""
        for name, value in changes.items():
            setattr(self.status.parts[part], name, value)
        if "life" in changes:
            self.status.parts[part].since = self._now()
        self.say()

    def add(self, part: str, port: int) -> None:
        """Show a part from now on."""
        self.status.parts[part] = PartStatus(part, port, since=self._now())
        self.say()

    def remove(self, part: str) -> None:
        """Show a part no longer."""
        self.status.parts.pop(part, None)
        self.say()


def read(state: State) -> StackStatus:
    """What holds now: without a living supervisor of this stack nothing is up, whatever the file says."""
    found = read_json(state.status)
    if not found:
        return StackStatus()
    said = StackStatus(**{**_known(StackStatus, found), "phase": Phase(found.get("phase", Phase.DOWN))})
    said.parts = {name: _part(fields) for name, fields in found.get("parts", {}).items()}
    return said if is_ours(said.supervisor, state.name) else _without_supervisor(said, state)


def _part(found: dict[str, Any]) -> PartStatus:
    return PartStatus(**{**_known(PartStatus, found), "life": Life(found["life"])})


def _known(model: type[StackStatus | PartStatus], found: dict[str, Any]) -> dict[str, Any]:
    """What this version knows of a file that another version may have written."""
    return {field.name: found[field.name] for field in fields(model) if field.name in found}


def _without_supervisor(said: StackStatus, state: State) -> StackStatus:
    error = said.error
    if said.phase in (Phase.STARTING, Phase.UP):
        error = "The supervisor died (killed, or the machine went down): `okr up` starts the stack again."
    for part in said.parts.values():
        part.pid = part.pid if is_ours(part.pid, state.name) else None
        part.life = Life.STOPPED if part.pid is None else Life.STOPPING
    return StackStatus(Phase.FAILED if error else Phase.DOWN, None, error=error, parts=said.parts)
