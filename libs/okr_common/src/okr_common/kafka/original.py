"""What a dead letter keeps of its message beside key and value, so that the very message can be sent again.

Kafka Connect leaves the message's headers where they were. A dead letter of ours has an envelope of its own, so the
message's headers travel as one text: in their order, names that stand twice, nulls and bytes that are no text included.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from operator import methodcaller
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import orjson

from okr_common.errors import PermanentError

if TYPE_CHECKING:
    from confluent_kafka import Message

Header = tuple[str, bytes | None]
Headers = Iterable[tuple[str, bytes | str | None]] | Mapping[str, bytes | str | None] | None
"""As confluent-kafka and Faust have them."""
ATTEMPT = "okr_dead_letter_attempt"
"""Header of a message that was sent again, and of the dead letter that it became again: how often, from 1."""
ORIGIN = "okr_dead_letter_origin"
"""Header of both: where the message stood when it came first, as topic/partition@offset."""
KEPT = "okr_dead_letter_headers"
"""Header of a dead letter: the headers that its message had."""
MOST_BYTES = 65_536
"""Of the text of all headers; of a key, too. What is larger is not kept, and the dead letter says so."""
UNREADABLE = ("okr_unreadable_headers", b"")
_PLACE = re.compile(r"[\w.-]{1,249}/\d{1,9}@\d{1,19}", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,5}", re.ASCII)


class Chain(NamedTuple):
    """One message from its first place on: how often it was sent again."""

    attempt: int
    origin: str


_asked = methodcaller("headers")
"""Unlike a plain call, which the interpreter may take for sound once it is warm, this one looks for a pending error."""


class HasHeaders(Protocol):
    """A message as confluent-kafka or Faust has it."""

    def headers(self) -> Headers:
        """Its headers."""


def headers_of(message: HasHeaders) -> Headers:
    """A message's headers. Raises PermanentError("bad_headers") where a name is no UTF-8.

    confluent-kafka answers that with null pointers; so they are replaced at once, for whoever asks again.
    """
    try:
        found: Headers = _asked(message)
    except (UnicodeDecodeError, SystemError):
        cast("Message", message).set_headers([UNREADABLE])
        found = [UNREADABLE]
    if UNREADABLE[0] in dict(pairs(found)):
        raise PermanentError("bad_headers", "the name of a header is no UTF-8, so its headers cannot be read")
    return found


def chain_of(headers: Headers, place: str) -> Chain:
    """What the headers of a message say, that stands at this place; a stranger's nonsense says nothing."""
    said = {name: value.decode("utf-8", "replace") for name, value in pairs(headers) if value is not None}
    attempt, origin = said.get(ATTEMPT, ""), said.get(ORIGIN, "")
    if not _COUNT.fullmatch(attempt) or not _PLACE.fullmatch(origin):
        return Chain(0, place)
    return Chain(int(attempt), origin)


def kept(headers: Headers) -> str | None:
    r"""A message's own headers as one text; None where that is too long.

    >>> kept([("ce_id", b"7"), ("odd", b"\xff"), ("odd", None)])
    '[["ce_id","7"],["odd",{"base64":"/w=="}],["odd",null]]'
    """
    own = [[name, _said(value)] for name, value in pairs(headers) if name not in (ATTEMPT, ORIGIN)]
    text = orjson.dumps(own)
    return text.decode() if len(text) <= MOST_BYTES else None


def restored(text: str) -> list[Header]:
    r"""The headers as they were, byte for byte.

    >>> restored('[["odd",{"base64":"/w=="}],["odd",null]]')
    [('odd', b'\xff'), ('odd', None)]
    """
    return [(name, _bytes(said)) for name, said in orjson.loads(text)]


def pairs(headers: Headers) -> list[Header]:
    """Names and values, in their order."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]


def _said(value: bytes | None) -> str | dict[str, str] | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value or b"").decode()}


def _bytes(said: str | dict[str, str] | None) -> bytes | None:
    if isinstance(said, dict):
        return base64.b64decode(said["base64"])
    return None if said is None else said.encode()
