"""Replays: whether a dead letter's message may be sent again, the very message, and the note that tells of it.

Message and note go one after the other and not in one transaction of Kafka: its marker takes an offset of the
partition, and the trainer takes a gap between offsets for lost messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid5

from okr_cli.dead_letters.heard import Place, passed_over
from okr_cli.dead_letters.letters import Letter, Letters, Replay
from okr_common import codec
from okr_common.clock import utc_now
from okr_common.counted import counted
from okr_common.errors import OkrError, RetryableError
from okr_common.events import NAMESPACE
from okr_common.kafka.dead_letters import LEFT_OUT, PREFIX, TOO_LARGE
from okr_common.kafka.original import ATTEMPT, ORIGIN
from okr_common.kafka.producer import Exact, ExactProducer
from okr_common.topics import DEAD_LETTERS, TOPICS

EVENT_SOURCE = "/okr/cli"
MOST_DIGITS = 20
"""Of an offset."""
TOGETHER = 100
"""So many are sent before their notes are: what a crash in between makes is replayed without a trace, and harmless."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One letter that was asked for: the number its replay has, or why there is none."""

    letter: Letter
    attempt: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a replay is held against: how often a message is sent again (None: no cap), what the trainer has heard."""

    most: int | None
    heard: Mapping[str, Place]


def planned(chosen: Iterable[Letter], letters: Letters, limits: Limits) -> list[Planned]:
    """What becomes of these letters, in the order in which their messages stood."""
    in_order = sorted(chosen, key=lambda one: (one.said("topic"), one.said("partition"), _number(one.said("offset"))))
    return [Planned(one, letters.attempts(one) + 1, refusal(one, letters, limits)) for one in in_order]


def refusal(letter: Letter, letters: Letters, limits: Limits) -> str | None:
    """Why this letter cannot be replayed; None where it can."""
    return (
        _not_sent(letter)
        or _not_whole(letter)
        or _gone_on(letter, letters)
        or passed_over(letter, limits.heard)
        or _too_often(letter, letters, limits.most)
    )


def _not_sent(letter: Letter) -> str | None:
    topic = letter.said("topic")
    if letter.reason == TOO_LARGE:
        return f"never sent: {topic} takes no message that large; what it tells stands in the database"
    partition, offset = _number(letter.said("partition")), _number(letter.said("offset"))
    if topic not in TOPICS or not 0 <= partition < TOPICS[topic].partitions or offset < 0:
        return f"it does not say where its message stood ({letter.place}), or that place is no more"
    return None


def _not_whole(letter: Letter) -> str | None:
    if any(PREFIX + name in letter.read.headers for name in LEFT_OUT):
        return f"it carries a part of its message only, the rest is too large or unreadable; it stood at {letter.place}"
    if letter.headers is None:
        return f"it is of a version that did not keep its message's headers; send anew what stood at {letter.place}"
    return None


def _gone_on(letter: Letter, letters: Letters) -> str | None:
    again = letters.again(letter)
    return None if again is None else f"its message died again as {again.name}; replay that one"


def _too_often(letter: Letter, letters: Letters, most: int | None) -> str | None:
    attempts = letters.attempts(letter)
    if most is None or attempts < most:
        return None
    return (
        f"it was sent again {counted(attempts, 'time')} already, and dead_letters.attempts is {most}: "
        "mend the cause first; --force sends it once more"
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < MOST_DIGITS else -1


def message_of(plan: Planned) -> Exact:
    """The very message, with two headers more: how often it was sent again, and where it came first."""
    letter = plan.letter
    more = {ATTEMPT: str(plan.attempt), ORIGIN: letter.origin}
    headers = [*(letter.headers or ()), *codec.headers(more)]
    return Exact(letter.said("topic"), _number(letter.said("partition")), letter.read.key, letter.read.value, headers)


def note_of(plan: Planned, offset: int) -> Exact:
    """The note beside the letter; its id is made of what it is about, so a repeat is recognised."""
    letter = plan.letter
    place = f"{letter.said('topic')}/{letter.said('partition')}@{offset}"
    at = utc_now()
    replay = Replay(letter_id=letter.letter_id, letter=letter.name, attempt=plan.attempt, place=place, at=at)
    attributes = codec.envelope(
        ce_id=uuid5(NAMESPACE, f"{Replay.ce_type}|{letter.letter_id}|{plan.attempt}|{place}"),
        ce_type=Replay.ce_type,
        source=EVENT_SOURCE,
        subject=letter.letter_id,
        time=at,
    )
    headers = list(codec.headers(attributes))
    return Exact(DEAD_LETTERS.name, letter.read.partition, letter.read.key, codec.to_json(replay), headers)


async def send(bootstrap: str, plans: Sequence[Planned]) -> dict[str, str]:
    """Sends what is not refused, and then notes it. Returns of each letter's name where its message stands now."""
    producer, places = ExactProducer(bootstrap, "okr-cli"), {}
    wanted = [plan for plan in plans if plan.refused is None]
    for first in range(0, len(wanted), TOGETHER):
        some = wanted[first : first + TOGETHER]
        try:
            offsets = await producer.publish([message_of(plan) for plan in some])
            await producer.publish([note_of(*pair) for pair in zip(some, offsets, strict=True)])
        except RetryableError as error:
            raise OkrError(
                f"after {first} of {len(wanted)} replays the broker did not acknowledge: {error}. Run it again: a "
                "message that comes twice is handled once"
            ) from error
        for plan, offset in zip(some, offsets, strict=True):
            places[plan.letter.name] = f"{plan.letter.said('topic')}/{plan.letter.said('partition')}@{offset}"
    return places


def outcome(plan: Planned, places: dict[str, str], *, dry_run: bool) -> dict[str, Any]:
    """What a listing shows of a replay."""
    said = "refused" if plan.refused else "would be replayed" if dry_run else "replayed"
    return {
        "letter": plan.letter.name,
        "reason": plan.letter.reason,
        "origin": plan.letter.place,
        "attempt": None if plan.refused else plan.attempt,
        "outcome": said,
        "place": places.get(plan.letter.name),
        "refused": plan.refused,
    }
