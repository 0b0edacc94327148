"""What must be there before anything is started; what is missing is said in one sentence with what to do."""

import shutil

from okr_stack import jars, java, pg_server
from okr_stack.errors import StackError
from okr_stack.state import State

LEAST_FREE_BYTES = 1024**3


def check(state: State) -> None:
    """Raise StackError for the first thing that is missing."""
    java.find()
    if not jars.are_resolved() and shutil.which("mvn") is None:
        raise StackError(jars.MAVEN_MISSING)
    if next(pg_server.candidates(), None) is None:
        raise StackError(pg_server.MISSING)
    enough_space(state)


def enough_space(state: State, least: int = LEAST_FREE_BYTES) -> None:
    """Raise StackError where the state folder's disk is nearly full."""
    free = shutil.disk_usage(state.folder).free
    if free < least:
        raise StackError(
            f"{state.folder} has {free / 1024**2:.0f} MB left and the stack needs {least / 1024**2:.0f} MB: "
            f"free some space, or name another folder with --state."
        )
