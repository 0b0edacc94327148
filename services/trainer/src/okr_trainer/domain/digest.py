"""A canonical digest of a model's state: names sorted, floats as hex.

Pickle bytes of equal models differ after a restore; this digest does not.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def state_digest(*parts: Any) -> str:  # noqa: ANN401 - whatever a model is made of
    """Equal for equal states, however they came about."""
    return hashlib.sha256(json.dumps([canonical(part) for part in parts]).encode()).hexdigest()


def canonical(value: Any) -> Any:  # noqa: ANN401
    """The value as JSON that has one form only.

    >>> canonical({"b": 0.5, "a": {2, 1}})
    {'a': [1, 2], 'b': '0x1.0000000000000p-1'}
    """
    match value:
        case float():
            said: Any = value.hex()
        case None | bool() | int() | str():
            said = value
        case bytes():
            said = hashlib.sha256(value).hexdigest()  # trees hold megabytes, of which text would be the slowest part
        case type():
            said = f"{value.__module__}.{value.__qualname__}"
        case Mapping():
            said = {str(key): canonical(value[key]) for key in sorted(value, key=str)}
        case set() | frozenset():
            said = sorted((canonical(one) for one in value), key=str)
        case list() | tuple():
            said = [canonical(one) for one in value]
        case _:
            said = [canonical(type(value)), canonical(_inside(value))]
    return said


def _inside(value: Any) -> Any:  # noqa: ANN401
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "__dict__"):
        return vars(value)
    return {name: getattr(value, name) for name in getattr(type(value), "__slots__", ())}
