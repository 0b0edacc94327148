"""What the supervisor is asked for: a file that `up` writes and the supervisor reads, at its start and on SIGHUP."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from okr_stack.services import Wanted
from okr_stack.state import State, read_json, write_json


@dataclass(frozen=True)
class Wishes:
    """The services to run, by the name of their process, and settings for PostgreSQL beyond our own.

    `id` tells one asking from the next, so that who asks can see when it was served; it makes no difference otherwise.
    """

    services: Mapping[str, Wanted] = field(default_factory=dict)
    postgres: Sequence[str] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex, compare=False)

    def write(self, state: State) -> None:
        """Leave the wishes for the supervisor."""
        write_json(state.wanted, asdict(self))

    @classmethod
    def read(cls, state: State) -> "Wishes":
        """What was asked for last."""
        found = read_json(state.wanted)
        services = {name: Wanted(**wanted) for name, wanted in found.get("services", {}).items()}
        return cls(services, tuple(found.get("postgres", ())), found.get("id", ""))
