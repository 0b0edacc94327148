"""Dead letters and what became of them, told by their topic alone.

A replay leaves a note there, beside the letter. A message that was sent again and dies again says where it came first
and how often it was sent again: together they are a chain.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from okr_common.errors import OkrError
from okr_common.kafka.dead_letters import PREFIX
from okr_common.kafka.original import KEPT, Header, chain_of, restored
from okr_common.kafka.reader import Read

UNKNOWN = "?"
_PLACE = re.compile(r"(.+)/(\d+)[/@](\d+)")


class State(StrEnum):
    """What became of a dead letter."""

    DEAD = "dead"
    REPLAYED = "replayed"
    DIED_AGAIN = "died again"


class Replay(BaseModel):
    """The note of a replay: which letter (its ce_id, and as people name it), the how many-eth, where it went, when."""

    ce_type: ClassVar[str] = "okr.dead_letter.replayed.v1"

    letter_id: str
    letter: str
    attempt: int
    place: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter; `attempt`: how often its message had been sent again when it died, `place`: where it stood."""

    read: Read
    letter_id: str
    attempt: int
    place: str
    origin: str

    @property
    def name(self) -> str:
        """How people name it."""
        return f"{self.read.partition}@{self.read.offset}"

    @property
    def chain(self) -> tuple[str, str]:
        """The same for every death of one message in one service."""
        return self.origin, self.said("stage")

    @property
    def reason(self) -> str:
        """A code of docs/reason-codes.md."""
        return self.said("exception.class.name")

    @property
    def headers(self) -> list[Header] | None:
        """Those of its message; None where they were not kept."""
        try:
            return restored(self.read.headers[KEPT])
        except (LookupError, TypeError, ValueError):
            return None

    def said(self, name: str) -> str:
        """One of the headers that explain it."""
        return self.read.headers.get(PREFIX + name) or UNKNOWN


class Letters:
    """Every dead letter once, the newest first, and the replays."""

    def __init__(self, letters: Iterable[Letter], replays: Iterable[Replay]) -> None:
        self._by_id: dict[str, Letter] = {}
        for letter in letters:
            self._by_id.setdefault(letter.letter_id, letter)
        self.all = sorted(self._by_id.values(), key=lambda one: (one.read.at, one.read.offset), reverse=True)
        self._chains: dict[tuple[str, str], list[Letter]] = defaultdict(list)
        for letter in self.all:
            self._chains[letter.chain].append(letter)
        self._replays: dict[str, list[Replay]] = defaultdict(list)
        for replay in replays:
            self._replays[replay.letter_id].append(replay)

    def replays(self, letter: Letter) -> list[Replay]:
        """The replays of this very letter, in their order."""
        return sorted(self._replays.get(letter.letter_id, ()), key=lambda replay: replay.attempt)

    def attempts(self, letter: Letter) -> int:
        """How often its message was sent again, before it became this letter and since."""
        return max([letter.attempt, *(replay.attempt for replay in self.replays(letter))])

    def again(self, letter: Letter) -> Letter | None:
        """The last letter of the same message, where it died again."""
        later = [one for one in self._chains[letter.chain] if one.attempt > letter.attempt]
        return max(later, key=lambda one: one.attempt, default=None)

    def state(self, letter: Letter) -> State:
        """What became of it."""
        if self.again(letter) is not None:
            return State.DIED_AGAIN
        return State.REPLAYED if self.replays(letter) else State.DEAD

    def named(self, name: str) -> Letter:
        """The letter of this name, or the newest of the message that stands, or first stood, at this place."""
        found = [one for one in self.all if one.name == name]
        place = _PLACE.fullmatch(name)
        if place:
            stood = "{}/{}@{}".format(*place.groups())
            found += [one for one in self.all if stood in (one.place, one.origin)]
        if not found:
            raise OkrError(f"there is no dead letter {name}; `okr dead-letters list` shows which there are")
        return found[0]


def letters_of(messages: Iterable[Read]) -> Letters:
    """What stands on okr_dead_letters."""
    letters, replays = [], []
    for message in messages:
        if not is_replay(message):
            letters.append(letter_of(message))
        elif (replay := replay_of(message)) is not None:
            replays.append(replay)
    return Letters(letters, replays)


def is_replay(message: Read) -> bool:
    """Whether it is the note of a replay, and no dead letter."""
    return message.headers.get("ce_type") == Replay.ce_type


def replay_of(message: Read) -> Replay | None:
    """What a note says; None where it cannot be read, which `okr verify` tells."""
    try:
        return Replay.model_validate_json(message.value or b"")
    except ValidationError:
        return None


def letter_of(message: Read) -> Letter:
    """This message as a dead letter; what it does not say is told by question marks."""
    said = (message.headers.get(PREFIX + name) or UNKNOWN for name in ("topic", "partition", "offset"))
    place = "{}/{}@{}".format(*said)
    attempt, origin = chain_of(message.headers, place)
    return Letter(message, message.headers.get("ce_id") or message.where, attempt, place, origin)


def summary(letter: Letter, letters: Letters) -> dict[str, Any]:
    """What a listing shows of it."""
    replays, again = letters.replays(letter), letters.again(letter)
    return {
        "letter": letter.name,
        "at": letter.read.at,
        "stage": letter.said("stage"),
        "reason": letter.reason,
        "message": letter.said("exception.message"),
        "topic": letter.said("topic"),
        "origin": letter.place,
        "first_origin": letter.origin,
        "attempts": letters.attempts(letter),
        "state": letters.state(letter).value,
        "replayed_at": replays[-1].at if replays else None,
        "died_again_as": again.name if again else None,
        "bytes": len(letter.read.value or b""),
    }
