"""One JSON object per line on stderr.

Bind `run_id` or `event_id` with `structlog.contextvars`; every line then has it.
"""

import logging
import sys
from collections.abc import Iterable
from typing import cast

import structlog

QUIET = {
    "aiokafka": logging.ERROR,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "httpx2": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}
"""Loggers that say too much: aiokafka alone writes 2,600 lines in a 30 s outage of the broker."""


class OncePerWhile(logging.Filter):
    """Lets the same message of a library that repeats itself through once in `seconds`."""

    def __init__(self, libraries: Iterable[str], seconds: float = 10.0) -> None:
        super().__init__()
        self._libraries = tuple(libraries)
        self._seconds = seconds
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is written."""
        if not record.name.startswith(self._libraries):
            return True
        said = (record.name, str(record.msg))
        is_new = record.created - self._last.get(said, float("-inf")) >= self._seconds
        if is_new:
            self._last[said] = record.created
        return is_new


def configure(service: str, level: str) -> None:
    """Sends this process's own and its libraries' logs through one JSON formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(OncePerWhile(("aiokafka", "faust", "mode")))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    structlog.contextvars.bind_contextvars(service=service)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; the first argument of a call is a machine key, the rest are fields."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(name))
