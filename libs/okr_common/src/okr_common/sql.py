"""SQL lives in .sql files; Python asks for a query by its name.

A file holds blocks `-- name: claim_file`, then, if wanted, comment lines, then one statement.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    r"""The named statements of one file's text.

    >>> parse("-- name: one\nselect 1;\n-- name: two\n-- why\nselect 2;\n")
    {'one': 'select 1;', 'two': '-- why\nselect 2;'}
    """
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


@cache
def queries(package: str) -> Mapping[str, str]:
    """All statements in the `sql` folder of this package, by name. Raises ValueError where a name stands twice."""
    found: dict[str, str] = {}
    for file in sorted(files(package).joinpath("sql").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            for name, statement in parse(file.read_text()).items():
                if name in found:
                    raise ValueError(f"{package}/sql/{file.name}: the name {name!r} is taken")
                found[name] = statement
    return MappingProxyType(found)
