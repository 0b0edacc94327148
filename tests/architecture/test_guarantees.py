"""Every test that docs/guarantees.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


def test_what_the_page_names_exists() -> None:
    files = [path for folder in ("libs", "services", "tests") for path in (ROOT / folder).glob("**/test_*.py")]
    known = {path.name for path in files}
    known |= {name for path in files for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", PAGE))
    assert len(named) > 30
    assert sorted(named - known) == []
