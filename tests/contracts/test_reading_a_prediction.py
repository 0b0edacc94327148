"""docs/reading-a-prediction.md explains what the ten minutes print, and its arithmetic is the trainer's."""

import re
from datetime import date

import pytest

from okr_common import paths
from okr_trainer.domain.baselines import linear_pace

DOCS = paths.repository() / "docs"
PAGE, TEN_MINUTES = (
    (DOCS / name).read_text(encoding="utf-8") for name in ("reading-a-prediction.md", "ten-minutes.md")
)
BASELINE, VALUE, TARGET = 107.3, 111.3, 124.8
START, ON, DUE = (date(2026, *day) for day in ((4, 1), (5, 5), (6, 30)))


def test_what_it_quotes_is_what_the_ten_minutes_print() -> None:
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    quoted = [block for block in blocks if "% " in block]
    assert len(quoted) == 2
    assert all(block in TEN_MINUTES for block in quoted)


def test_its_arithmetic_is_the_trainers() -> None:
    progress, elapsed = (VALUE - BASELINE) / (TARGET - BASELINE), (ON - START) / (DUE - START)
    assert (f"{progress:.0%}", f"{elapsed:.0%}", (DUE - ON).days, (DUE - START).days) == ("23%", "38%", 56, 90)
    assert f"{(1 - progress) / (1 - elapsed) / (progress / elapsed):.1f}x" == "2.0x"
    assert BASELINE + (VALUE - BASELINE) / elapsed == pytest.approx(117.888, abs=0.001)
    said = linear_pace({"elapsed": elapsed, "no_value": 0.0, "direction": "increase", "pace": progress - elapsed})
    assert f"{said:.0%}" == "26%"
