"""The broker's jars: resolved once by Maven, checked against the checksums in deploy/kafka at every start."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from okr_common import paths
from okr_stack import cache
from okr_stack.errors import StackError
from okr_stack.processes import run_tool

CHECKSUMS = "jars.sha256"


def recipe() -> Path:
    """The folder with pom.xml, the checksums and the log configuration."""
    return paths.repository() / "deploy" / "kafka"


def folder() -> Path:
    """Where these very jars lie: one folder per list of checksums, shared by the stacks of a checkout."""
    version = hashlib.sha256((recipe() / CHECKSUMS).read_bytes()).hexdigest()[:12]
    return cache.folder() / f"kafka-{version}"


def are_resolved() -> bool:
    """Say whether Maven has nothing to do."""
    return folder().is_dir()


async def resolve(stack: str) -> list[Path]:
    """Give the jars in a fixed order, taking them with Maven where they are not there yet.

    Raises StackError where Maven is missing or fails, and where a jar is not the one that its checksum names.
    """
    if not are_resolved():
        await _take_with_maven(stack)
    return await asyncio.to_thread(verify, folder(), recipe() / CHECKSUMS)


async def _take_with_maven(stack: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(MAVEN_MISSING)
    folder().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder().parent, prefix="resolving-") as temporary:
        await _copy_dependencies(maven, Path(temporary) / "jars", stack)
        verify(Path(temporary) / "jars", recipe() / CHECKSUMS)
        _publish(Path(temporary) / "jars", folder())


MAVEN_MISSING = (
    "Maven is needed once, to fetch Kafka's jars: install it (Debian and Ubuntu: apt-get install maven; "
    "macOS: brew install maven), then try again."
)


async def _copy_dependencies(maven: str, into: Path, stack: str) -> None:
    command = [maven, "-B", "-q", "-f", str(recipe() / "pom.xml"), "dependency:copy-dependencies"]
    code, said = await run_tool([*command, "-DincludeScope=runtime", f"-DoutputDirectory={into}"], stack)
    if code != 0:
        reason = next((line for line in said.splitlines() if "ERROR" in line), said[-300:])
        raise StackError(f"Maven could not fetch Kafka's jars (is its repository reachable?): {reason}")


def _publish(resolved: Path, target: Path) -> None:
    """Another stack may have been quicker: its jars passed the same check."""
    try:
        resolved.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def verify(jars: Path, checksums: Path) -> list[Path]:
    """Give the jars the list names, in its order; refuse a missing, an added or a changed one."""
    wanted = parse(checksums.read_text())
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in jars.glob("*.jar")}
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise StackError(
            f"{', '.join(wrong)} in {jars} differ from {checksums}: delete that folder and try again; "
            f"if it stays so, do not run them, the repository served other bytes than were tested."
        )
    return [jars / name for name in wanted]


def parse(checksums: str) -> Mapping[str, str]:
    """Read lines as sha256sum writes them.

    >>> parse("ab12  kafka.jar")
    {'kafka.jar': 'ab12'}
    """
    pairs = (line.split() for line in checksums.splitlines() if line.strip())
    return {name: digest for digest, name in pairs}
