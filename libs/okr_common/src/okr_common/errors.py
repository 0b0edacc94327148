"""Three families of errors: what may pass by itself, what never will, and what must end the process.

Every message says what happened, where (file, row, topic, offset), and what to do.
"""


class OkrError(Exception):
    """Something this system understands; the message tells the cure."""


class RetryableError(OkrError):
    """May pass by itself: the broker or the database is away. Retried in place with back-off."""


class PermanentError(OkrError):
    """Will never pass by itself: this input is wrong. Set aside with its reason; the rest goes on.

    `reason` is a code of docs/reason-codes.md.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FatalError(OkrError):
    """Going on would do harm: the process ends with a non-zero code; its supervisor restarts it."""


class FencedError(FatalError):
    """Another replica owns this now; nothing of ours was written."""
