"""Named points where a test may kill the process: proof that a crash there loses nothing.

OKR_CRASH_AT=after_copy:3 kills at the third passage of `after_copy`; the file OKR_CRASH_REACHED names then holds the
point's name, so that a test whose point was never reached fails.
"""

import os
import signal
from collections import Counter
from pathlib import Path

_passages: Counter[str] = Counter()


def point(name: str) -> None:
    """Does nothing unless the environment asks for a crash here, and none has happened in this system before."""
    wanted, _, nth = os.environ.get("OKR_CRASH_AT", "").partition(":")
    if wanted != name:
        return
    _passages[name] += 1
    reached = Path(os.environ["OKR_CRASH_REACHED"])
    if _passages[name] == int(nth or 1) and not reached.exists():
        reached.write_text(name)
        os.kill(os.getpid(), signal.SIGKILL)
