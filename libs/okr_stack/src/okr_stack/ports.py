"""Which port each part listens on: the default, else the one of last time, else the next free one."""

import errno
import socket
from collections.abc import Callable, Mapping

from okr_common.topology import STAGES
from okr_stack.errors import StackError

HOST = "127.0.0.1"
LAST_PORT = 65535
DEFAULTS = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "postgres": 5432,
    **{name: stage.default_port for name, stage in STAGES.items()},
}


def choose(
    defaults: Mapping[str, int], remembered: Mapping[str, int], is_free: Callable[[int], bool]
) -> dict[str, int]:
    """Give each part its port of last time or its default where that is free, else the next one that is nobody's.

    >>> choose({"kafka": 9092, "controller": 9093}, {}, lambda port: port != 9092)
    {'kafka': 9094, 'controller': 9093}
    >>> choose({"kafka": 9092}, {"kafka": 9500}, lambda port: True)
    {'kafka': 9500}
    """
    chosen: dict[str, int] = {}
    for part, default in defaults.items():
        spoken_for = {*chosen.values(), *(port for other, port in defaults.items() if other != part)}
        first = [port for port in (remembered.get(part), default) if port is not None and port not in chosen.values()]
        candidates = [*first, *(port for port in range(default + 1, LAST_PORT) if port not in spoken_for)]
        chosen[part] = _first_free(part, candidates, is_free)
    return chosen


def _first_free(part: str, candidates: list[int], is_free: Callable[[int], bool]) -> int:
    for port in candidates:
        if is_free(port):
            return port
    raise StackError(f"No port is free for {part}: close a program that listens on {HOST}, then try again.")


class Reservations:
    """Ports that this process promises to its parts, so that two stacks starting together never choose the same.

    A port is promised by the abstract socket of its name: the kernel keeps it in the same network namespace as the
    port itself and frees it when this process ends, however it ends. Where there are no abstract sockets (macOS)
    nothing is promised, and two stacks that start in the same second may collide.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Promise the port if nobody listens on it and no other stack holds it."""
        if port in self._held:
            return True
        promise = socket.socket(socket.AF_UNIX)
        try:
            promise.bind(f"\0okr-stack-port-{port}")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                promise.close()
                return False
        if not is_free(port):
            promise.close()
            return False
        self._held[port] = promise
        return True

    def release(self) -> None:
        """Give all promises back."""
        for promise in self._held.values():
            promise.close()
        self._held.clear()


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
