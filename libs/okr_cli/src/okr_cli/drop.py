"""Making a file appear in a watched folder as a whole: a reader never sees half of it."""

import os
from pathlib import Path


def reveal(hidden: Path, visible: Path) -> Path:
    """The rename that makes it complete, after its bytes are safe."""
    with hidden.open("rb") as stream:
        os.fsync(stream.fileno())
    hidden.replace(visible)
    return visible
