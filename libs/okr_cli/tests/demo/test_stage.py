"""The demo empties its folder, so it must never be given somebody's own."""

from pathlib import Path

import pytest

from okr_cli.demo.stage import stack_for
from okr_common.errors import OkrError


def test_a_folder_that_is_no_stack_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OkrError, match="no stack"), stack_for(tmp_path, keep=False):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
