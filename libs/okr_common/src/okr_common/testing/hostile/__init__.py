"""Files as companies export them, and worse: what is wrong with each, and what must become of it.

Made by code, always the same, for the tests of every service. The rows that are goals are goals of the sources in
`MAPPINGS`. What depends on time or on other files (a file still being written, the same bytes under a new name, pipes
and links under a CSV's name) is no content and has tests of its own.
"""

from functools import cache
from pathlib import Path

from okr_common.testing.hostile.case import OWN_FINDINGS, Hostile
from okr_common.testing.hostile.columns import columns
from okr_common.testing.hostile.containers import containers
from okr_common.testing.hostile.damaged import damaged
from okr_common.testing.hostile.dialects import dialects
from okr_common.testing.hostile.encodings import encodings
from okr_common.testing.hostile.headers import headers
from okr_common.testing.hostile.mappings import MAPPINGS
from okr_common.testing.hostile.records import records
from okr_common.testing.hostile.rules import rules
from okr_common.testing.hostile.sizes import sizes
from okr_common.testing.hostile.texts import texts

__all__ = ["MAPPINGS", "OWN_FINDINGS", "Hostile", "corpus", "write", "write_mappings"]


@cache
def corpus() -> tuple[Hostile, ...]:
    """All hostile files, about 12 MB. No two have the same name or the same bytes."""
    parts = (encodings, damaged, dialects, headers, columns, records, rules, texts, containers, sizes)
    return tuple(case for part in parts for case in part())


def write(folder: Path) -> None:
    """The files into `folder/files`, the mappings of their sources into `folder/sources`."""
    files = folder / "files"
    files.mkdir(parents=True)
    for one in corpus():
        (files / one.name).write_bytes(one.content)
    write_mappings(folder / "sources")


def write_mappings(folder: Path) -> None:
    """One file for each source."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in MAPPINGS.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
