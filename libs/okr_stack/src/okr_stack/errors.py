"""What the stack says when it cannot go on."""

from okr_common.errors import OkrError


class StackError(OkrError):
    """Something a person must mend: the text is one sentence that says what is wrong and what to do."""


class SupervisorGoneError(StackError):
    """The supervisor ended before it had done what it was asked."""
