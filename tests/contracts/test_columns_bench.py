"""What measures the cost of columns runs on the code of today: nothing else calls it, and types do not look there."""

import runpy
from pathlib import Path

import pytest

from okr_common import paths

BENCH = paths.repository() / "bench"


def test_a_few_rows_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    figures = runpy.run_path(str(BENCH / "columns.py"))["measured"](tmp_path, 24)
    assert figures["ratio"] > 0
