"""Every reason code that the code can give stands in docs/reason-codes.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from okr_cli.dead_letters.cures import CURES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reason-codes.md").read_text()
ERRORS = {"PermanentError", "AskAgainError"}


def codes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        is_error = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS
        if is_error and node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def test_the_page_knows_every_code() -> None:
    sources = [*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]
    found = {code for path in sources for code in codes(path)}
    assert found
    assert sorted(code for code in found if f"`{code}`" not in PAGE) == []


def test_every_reason_of_a_dead_letter_has_its_cure() -> None:
    section = PAGE.split("## Messages set aside", 1)[1].split("##", 1)[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == set(CURES)
