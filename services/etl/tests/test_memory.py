"""How the service's allocators are told what to do with freed memory."""

import os
import subprocess
import sys

from okr_etl.memory import POLARS

IMPORTED = "import okr_etl.__main__, sys; print('polars' in sys.modules)"
KEPT = """
import os
from okr_etl.memory import POLARS, POLARS_SETTINGS, give_back
give_back()
print(os.environ[POLARS] == POLARS_SETTINGS, end=" ")
os.environ[POLARS] = "narenas:2"
give_back()
print(os.environ[POLARS])
"""


def printed(program: str) -> str:
    """By a process of its own: in this one polars is loaded, which then sets the variable itself."""
    others = {name: value for name, value in os.environ.items() if name != POLARS}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=others)
    return done.stdout.strip()


def test_polars_is_loaded_after_it_was_told() -> None:
    assert printed(IMPORTED) == "False"


def test_what_somebody_has_set_holds() -> None:
    assert printed(KEPT) == "True narenas:2"
