"""The example of a source in CONTRIBUTING.md does what the page says."""

import csv
import io
import re
from collections import Counter
from pathlib import Path

from okr_common import paths
from okr_common.sources import Mapping, load_mapping
from okr_etl.domain.check import trouble
from okr_etl.testing import MemorySource

PAGE = (paths.repository() / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_small_mapping_makes_of_the_small_file_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "goals.yaml").write_text(block("yaml"), encoding="utf-8")
    mapping = load_mapping(tmp_path / "goals.yaml")
    assert isinstance(mapping, Mapping), [str(problem) for problem in mapping]
    assert trouble(mapping) == []
    header, *rows = csv.reader(io.StringIO(block("csv")))
    source = MemorySource(mapping, header)
    source.load(rows)
    assert source.proposed[0].rejected == []
    made = Counter(source.published["entity"])
    assert made == {"objective": 2, "key_result": 2, "check_in": 3, "outcome": 1}
