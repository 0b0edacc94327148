"""Which file these bytes are: news, what the source already has, or a return to what it once had.

A file counts as live while it is on its way or done. One that failed or vanished half-way may have brought batches:
then it is the newest that the source has heard of, and what was there before it is no longer the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WAITING_STATES = frozenset({"discovered", "waiting", "validating", "loading"})
LIVE_STATES = WAITING_STATES | {"done"}
HALF_WAY = frozenset({"failed", "vanished"})
"""Their batches stay, where they have any."""


@dataclass(frozen=True, slots=True)
class Known:
    """A file the source already has. `age` rises with every file it hears of, also with one that is let go later."""

    file_id: int
    age: int
    sha256: bytes
    state: str
    batches: int = 0


@dataclass(frozen=True, slots=True)
class Same:
    """The newest live file holds these very bytes: nothing to do but to link the path to it."""

    file_id: int


@dataclass(frozen=True, slots=True)
class New:
    """Bytes to load. With `revert_of`, an older file held them, so its rows serve again."""

    revert_of: int | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """Bytes at a path, the id their file would get, and the state it would be in.

    `last_seen` is the file that the path held when it was last looked at, if these very bytes were in it.
    """

    sha256: bytes
    file_id: int
    state: str
    last_seen: int | None = None


def identify_all(arrived: Sequence[Arrived], known: Sequence[Known]) -> list[Same | New]:
    """What to do with each of these, which come one after another; each is known to those after it.

    A path that was only touched holds what it held: no news, even where its source has heard of another file since.

    >>> identify_all([Arrived(b"a", 1, "waiting"), Arrived(b"b", 2, "waiting"), Arrived(b"a", 3, "waiting")], [])
    [New(revert_of=None), New(revert_of=None), New(revert_of=1)]
    """
    heard = list(known)
    decisions: list[Same | New] = []
    for one in arrived:
        decision = Same(one.last_seen) if one.last_seen is not None else identify(one.sha256, heard)
        if isinstance(decision, New):
            age = max((file.age for file in heard), default=0) + 1
            heard.append(Known(one.file_id, age, one.sha256, one.state))
        decisions.append(decision)
    return decisions


def identify(sha256: bytes, known: Sequence[Known]) -> Same | New:
    """What to do with a file of these bytes.

    The newest live file is what the source will say once everything on its way is applied, so a copy of it is no
    news, and a copy of anything older is a revert, whether or not the newest has been loaded yet.

    >>> a, b = Known(1, 1, b"a", "done"), Known(2, 2, b"b", "loading")
    >>> identify(b"b", [a, b]), identify(b"a", [a, b]), identify(b"c", [a, b])
    (Same(file_id=2), New(revert_of=1), New(revert_of=None))
    """
    by_age = sorted(known, key=lambda file: file.age)
    heard = [file for file in by_age if file.state in LIVE_STATES or (file.state in HALF_WAY and file.batches)]
    same = next((file for file in reversed(heard) if file.sha256 == sha256 and file.state in LIVE_STATES), None)
    if same is None:
        return New()
    return Same(same.file_id) if same is heard[-1] else New(revert_of=same.file_id)
