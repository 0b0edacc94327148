"""Sentences of docs/architecture.md that import-linter cannot say, because they name modules by pattern."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted((ROOT / "services").glob("*/src/*/**/*.py"))


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sql_stands_in_python(path: Path) -> None:
    words = ("select ", "insert into ", "update ", "delete from ")
    strings = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [
        text for text in strings if text.lower().startswith(words) and "\n" not in text[:1] and " from " in text.lower()
    ]


def test_no_tests_folder_is_a_package() -> None:
    assert not [path for path in ROOT.glob("**/tests/**/__init__.py") if ".venv" not in path.parts]
