"""All open key results of a model, in memory: those that are spoken of as they are, the others folded to JSON.

Folded, one takes a quarter of the room, and a start reads a million of them without looking into any.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any

import orjson

from okr_trainer.domain.key_result_state import KeyResultState

MOST_AWAKE = 20_000
"""More than these are folded after a batch: about 40 MB."""


class States(MutableMapping[str, KeyResultState]):
    """By key result. To ask for one unfolds it, and it stays so until `rest`; to go through all of them does not."""

    def __init__(self) -> None:
        self._awake: dict[str, KeyResultState] = {}
        self._folded: dict[str, dict[str, bytes]] = {}

    def lay(self, name: str, source: str, folded: str) -> None:
        """One as it was stored, where it is not known yet."""
        if name not in self._awake:
            self._folded.setdefault(source, {})[name] = folded.encode()

    def rest(self) -> None:
        """Who is awake and has ended is forgotten; if many are left, they are folded."""
        self._awake = {name: state for name, state in self._awake.items() if state.open}
        if len(self._awake) > MOST_AWAKE:
            for name, state in self._awake.items():
                self._folded.setdefault(state.source, {})[name] = orjson.dumps(state.to_json())
            self._awake = {}

    def __getitem__(self, name: str) -> KeyResultState:
        state = self._awake.get(name)
        if state is None:
            state = self._awake[name] = self._unfolded(name)
        return state

    def __setitem__(self, name: str, state: KeyResultState) -> None:
        for folded in self._folded.values():
            folded.pop(name, None)
        self._awake[name] = state

    def __delitem__(self, name: str) -> None:
        self[name]
        del self._awake[name]

    def _unfolded(self, name: str) -> KeyResultState:
        for source, folded in self._folded.items():
            if name in folded:
                return _of(name, source, folded.pop(name))
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._awake or any(name in folded for folded in self._folded.values())

    def __len__(self) -> int:
        return len(self._awake) + sum(map(len, self._folded.values()))

    def __iter__(self) -> Iterator[str]:
        return iter([*self._awake, *(name for folded in self._folded.values() for name in folded)])

    def unfolded(self) -> Iterator[KeyResultState]:
        """All of them, one after another; none is kept."""
        yield from self._awake.values()
        for source, folded in self._folded.items():
            for name, text in folded.items():
                yield _of(name, source, text)


def _of(name: str, source: str, text: bytes) -> KeyResultState:
    said: dict[str, Any] = orjson.loads(text)
    return KeyResultState.from_json(name, source, said)
