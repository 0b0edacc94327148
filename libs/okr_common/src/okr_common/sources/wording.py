"""What pydantic finds wrong with a mapping, in the words of this project."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from okr_common.sources.language import nearest

_KEYS = "keys with values are wanted here, as {{ key: value }}"
_SIGNS = {
    r"^[a-z][a-z0-9_]*$": "a name of small letters, digits and _ that begins with a letter is wanted here",
    r"^[\t !#-~\u00a1-\uffff]$": "one character is wanted here, and no double quote",
    r"^[^\w ]$": 'one character is wanted here that is no letter, digit, _ or blank, as ";"',
    r"^[A-Za-z]{1,10}$": "a word of one to ten letters is wanted here",
    r"^https?://": "an address is wanted here that begins with https:// or http://",
    r"^/": "a path is wanted here that begins with /",
}
"""The patterns of `language`, as sentences."""
_WORDS: Mapping[str, str] = {
    "missing": "this key is missing, and nothing stands for it",
    "tuple_type": "a list is wanted here, as [one, another]",
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "model_attributes_type": _KEYS,
    "string_type": "a text is wanted here",
    "int_type": "a whole number is wanted here",
    "int_parsing": "a whole number is wanted here",
    "int_parsing_size": "a smaller number is wanted here",
    "int_from_float": "a whole number is wanted here",
    "float_type": "a number is wanted here",
    "float_parsing": "a number is wanted here",
    "finite_number": "a number is wanted here",
    "bool_type": "true or false is wanted here",
    "bool_parsing": "true or false is wanted here",
    "greater_than_equal": "{ge:g} is the least that may stand here",
    "greater_than": "more than {gt:g} is wanted here",
    "less_than_equal": "{le:g} is the most that may stand here",
    "too_short": "nothing is listed here, and at least one is needed",
    "string_too_short": "nothing stands here",
    "string_too_long": "a text may have {max_length} characters here",
}
_SHOWN = 40


def in_our_words(detail: ErrorDetails) -> str:
    """The sentence: what is wanted at this place, and what stands there where that is short.

    >>> in_our_words({"type": "int_parsing", "loc": (), "msg": "", "input": "two"})
    'a whole number is wanted here, not "two"'
    """
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _BY_INPUT:
        return _BY_INPUT[kind](detail["input"], context)
    if kind not in _WORDS:
        return detail["msg"]  # our own validators' sentences
    stands = "" if kind in {"missing", "too_short", "string_too_short"} else _not(detail["input"])
    return _WORDS[kind].format(**context) + stands


def _one_of(value: object, context: Mapping[str, Any]) -> str:
    words = re.findall(r"'([^']*)'", context["expected"])
    close = nearest(value, words) if isinstance(value, str) else None
    wanted = f"one of {', '.join(words)} is wanted here" if len(words) > 1 else f"{words[0]} is all that may stand here"
    return f"{wanted}{_not(value)}" + (f'; did you mean "{close}"?' if close else "")


def _so_written(value: object, context: Mapping[str, Any]) -> str:
    return _SIGNS[context["pattern"]] + _not(value)


_BY_INPUT: Mapping[str, Callable[[object, Mapping[str, Any]], str]] = {
    "literal_error": _one_of,
    "string_pattern_mismatch": _so_written,
}


def _not(value: object) -> str:
    if value is None:
        return ", and nothing stands here"
    if isinstance(value, bool):
        return f", not {str(value).lower()}"
    if isinstance(value, list | tuple | dict):
        return f", not {'a list' if not isinstance(value, dict) else 'keys with values'}"
    text = str(value)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f', not "{shown}"' if isinstance(value, str) else f", not {shown}"
