"""docs/ten-minutes.md, as its reader walks it: each command in a shell, what it prints beside what the page shows."""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from okr_cli.testing import Flow
from okr_common.paths import repository

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
PAGE = (repository() / "docs" / "ten-minutes.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(console|yaml)\n(.*?)```", re.DOTALL)
BY_THE_FIXTURE = ("make setup", ". .venv/bin/activate", "okr up", "okr down")
"""The test's own stack stands, on ports of its own."""
VARYING = (
    (re.compile(r"\d{4}-\d{2}-\d{2}([ T])\d{2}:\d{2}:\d{2}(\.\d+)?"), "<time>"),
    (re.compile(r"(?<=challenger)\s+\d{4}-\d{2}-\d{2}"), " <day>"),
    (re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{8}"), "<upload>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
)
LEFT_OUT = "..."
TRAINED = "select max(version) from model_version"


def steps() -> Iterator[tuple[str, str]]:
    """Of each block what is to be done: ("yaml", a mapping), or a command and what the page says it prints."""
    for kind, text in BLOCK.findall(PAGE):
        if kind == "yaml":
            yield kind, text
            continue
        for one in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = one.partition("\n")
            yield command, shown


def plain(text: str) -> list[str]:
    """Lines as they are compared: without times, ids, blank lines, and how wide a column came out."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    lines = (" ".join(re.sub(r"[─━]{3,}", "───", line).split()) for line in text.splitlines())
    return [line for line in lines if line]


def unsaid(shown: str, printed: str) -> list[str]:
    """The lines of the page that were not printed in this order. Nothing may stand between two, but for `...`.

    >>> unsaid("a\\n...\\nc\\n", "a\\nb\\nc\\n"), unsaid("a\\nc\\n", "a\\nb\\nc\\n")
    ([], ['c'])
    """
    found, at, anywhere = plain(printed), 0, False
    for line in plain(shown):
        if line == LEFT_OUT:
            anywhere = True
            continue
        where = found.index(line, at) if line in found[at:] else None
        if where is None or (where > at and not anywhere):
            return [line]
        at, anywhere = where + 1, False
    return [] if anywhere or at == len(found) or not shown else [f"(more was printed) {found[at]}"]


def walk(command: str, folder: Path, state: Path) -> str:
    environment = {**os.environ, "OKR_STATE": str(state), "COLUMNS": "100", "NO_COLOR": "1"}
    environment["PATH"] = f"{repository() / '.venv' / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def checkout(folder: Path) -> Path:
    """What the reader has of a checkout: the samples, and no mapping that might know them."""
    (folder / "samples").symlink_to(repository() / "samples")
    sources = folder / "configs" / "sources"
    sources.mkdir(parents=True)
    return sources


async def test_the_page_is_true(flow: Flow, tmp_path: Path) -> None:
    sources, wrong = checkout(tmp_path), []
    with flow.stack.supervised(("ingest-csv", "etl", "trainer"), {"OKR_SOURCES__FOLDER": str(sources)}):
        for command, shown in steps():
            if command == "yaml":
                (sources / "goals.yaml").write_text(shown)
            elif command.partition(" #")[0].strip() not in BY_THE_FIXTURE:
                if command.startswith("okr models"):
                    await flow.until("ops", TRAINED, 1)
                await flow.until("processed", "select count(*) from document_due", 0)
                printed = await asyncio.to_thread(walk, command, tmp_path, flow.reach.state)
                printed = printed.replace(f"{flow.stack.uploads}/", "UPLOADS/").replace(f"{tmp_path}/", "")
                wrong += [f"$ {command}\n{line}\n-- was printed:\n{printed}" for line in unsaid(shown, printed)]
    assert not wrong, "\n\n".join(wrong)
    assert await flow.wrong() == []
