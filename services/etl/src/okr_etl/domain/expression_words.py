"""What polars says of an expression that it cannot compute, as the other mistakes of a mapping are told."""

import re
from collections.abc import Callable, Iterable

from okr_common.sources import nearest
from okr_etl.domain.cells import RESERVED
from okr_etl.domain.derive import first_line
from okr_etl.domain.one_row import FUNCTIONS

_SHOWN = 60


def in_our_words(error: BaseException, columns: Iterable[str]) -> str:
    """The sentence, with the nearest right name; `columns` are those the expression may name.

    >>> in_our_words(ValueError("unsupported function 'uppr'"), ["goal"])
    'there is no function UPPR; did you mean UPPER?'
    >>> in_our_words(ValueError('unable to find column "gaol"; valid columns: ["goal"]'), ["goal"])
    'there is no column "gaol"; did you mean "goal"?'
    """
    said = first_line(error)
    for pattern, tell in _TOLD.items():
        found = re.match(pattern, said)
        if found:
            return tell(found[1], [name for name in columns if name not in RESERVED])
    return said


def _function(name: str, _: list[str]) -> str:
    close = nearest(name.upper(), FUNCTIONS)
    cure = f"did you mean {close}?" if close else "docs/adding-a-source.md says which there are (derived)"
    return f"there is no function {name.upper()}; {cure}"


def _column(name: str, columns: list[str]) -> str:
    close = nearest(name, columns)
    cure = f'did you mean "{close}"?' if close else "declare it under columns, or derive it above this one"
    return f'there is no column "{name}"; {cure}'


def _no_expression(text: str, _: list[str]) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"{shown} is no expression; look for an operator, a bracket or a word that is missing"


def _not_read(said: str, _: list[str]) -> str:
    return f"it cannot be read: {said}"


_TOLD: dict[str, Callable[[str, list[str]], str]] = {
    r"unsupported function '(.+)'$": _function,
    r'unable to find column "(.+?)"; valid columns': _column,
    r"(?s)unable to parse '(.*)' as Expr$": _no_expression,
    r"sql parser error: (.+)$": _not_read,
}
