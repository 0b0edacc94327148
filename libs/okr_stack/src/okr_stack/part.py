"""What the supervisor must know of a part to keep it alive."""

from typing import Protocol

from okr_stack.processes import Launch


class Part(Protocol):
    """Kafka, PostgreSQL or a service."""

    name: str
    port: int
    start_seconds: float  # it must answer within this time
    stop_seconds: float  # it must end within this time after its quit signal, else it is killed

    async def prepare(self) -> Launch:
        """Make what a start needs and clear what the last run left; StackError where a person must help."""
        ...

    async def ready(self) -> bool:
        """Ask it as a client would whether it works; False also where it does not answer."""
        ...

    async def ended(self, code: int) -> None:
        """Look after what a run left when its process has ended."""
        ...
