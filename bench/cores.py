"""Which core a process may use: the measured service has one for itself, Kafka and PostgreSQL the other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVICE, SERVERS = 0, 1


@contextmanager
def on(*cores: int) -> Iterator[None]:
    """What is started within the block runs on these cores only, and so does the block.

    Raises SystemExit where the machine has no second core: the figures would mean nothing.
    """
    if (os.cpu_count() or 1) <= max(SERVICE, SERVERS):
        raise SystemExit("this benchmark gives the service one core and the servers another; this machine has one")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
