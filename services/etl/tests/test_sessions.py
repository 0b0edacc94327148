"""etl does not reset its connections after each use (`leaves_nothing`), so its SQL must leave nothing there."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest

BEGINS = r"(?:;|\A|-- name: \w+\n(?:--[^\n]*\n)*)\s*"
LEAVES = re.compile(
    rf"pg_(try_)?advisory_lock|set_config\(|{BEGINS}(listen|declare|prepare|set(?!\s+local))\s", re.IGNORECASE
)
TEMPORARY = re.compile(r"create temp(?:orary)? table[^;]*?(?:;|(?=-- name:)|\Z)", re.IGNORECASE | re.DOTALL)


def sql_of(folder: Traversable) -> dict[str, str]:
    return {file.name: file.read_text() for file in (folder / "sql").iterdir() if file.name.endswith(".sql")}


@pytest.mark.parametrize("package", ["okr_etl", "okr_common.delivery", "okr_common.postgres"])
def test_no_statement_leaves_anything_in_its_session(package: str) -> None:
    found = sql_of(files(package))
    assert found
    leaving = {name: match[0] for name, text in found.items() if (match := LEAVES.search(text))}
    assert leaving == {}
    tables = [table for text in found.values() for table in TEMPORARY.findall(text)]
    assert [table for table in tables if "on commit drop" not in table] == []
