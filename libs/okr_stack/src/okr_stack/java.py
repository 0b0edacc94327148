"""The Java that runs the broker."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from okr_stack.errors import StackError

OLDEST = 17

MISSING = (
    f"Java {OLDEST} or newer is needed to run Kafka: install it (Debian and Ubuntu: apt-get install "
    f"openjdk-{OLDEST}-jre-headless; macOS: brew install openjdk) or set JAVA_HOME, then try again."
)


def find() -> str:
    """The java of $JAVA_HOME, else of PATH; StackError where there is none that is new enough."""
    at_home = Path(os.environ.get("JAVA_HOME", "/nonexistent")) / "bin" / "java"
    java = str(at_home) if os.access(at_home, os.X_OK) else shutil.which("java")
    if java is None:
        raise StackError(MISSING)
    found = major(version_text(java))
    if found < OLDEST:
        raise StackError(f"{java} is Java {found}. {MISSING}")
    return java


@functools.cache
def version_text(java: str) -> str:
    """What `java -version` says, which names the build."""
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603 -- the java found above
    return answer.stderr + answer.stdout


def major(version: str) -> int:
    """The major version in what `java -version` said; 0 where it said something else.

    >>> major('openjdk version "17.0.15" 2025-04-15')
    17
    >>> major('java version "1.8.0_392"')
    8
    """
    match = re.search(r'version "(?:1\.)?(\d+)', version)
    return int(match.group(1)) if match else 0
