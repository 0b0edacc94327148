"""Which dead letters are meant: by name, or by what they have in common."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from okr_cli.dead_letters.letters import Letter, Letters, State
from okr_common.errors import OkrError

_AGO = {"m": "minutes", "h": "hours", "d": "days"}


def only(letters: Sequence[Letter], topic: str | None, reason: str | None, stage: str | None) -> list[Letter]:
    """The letters that fit."""
    return [
        letter
        for letter in letters
        if topic in (None, letter.said("topic"))
        and reason in (None, letter.reason)
        and stage in (None, letter.said("stage"))
    ]


def moment(text: str, now: datetime) -> datetime:
    """A time, or how long ago it was. Raises OkrError where it is neither.

    >>> noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    >>> moment("12h", noon).isoformat(), moment("2026-11-01", noon).isoformat()
    ('2026-11-24T00:00:00+00:00', '2026-11-01T00:00:00+00:00')
    """
    ago = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if ago:
        return now - timedelta(**{_AGO[ago[2]]: int(ago[1])})
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise OkrError(f"--since {text!r} is no time; say 30m, 12h, 7d, or 2026-11-24T02:00") from None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def chosen_of(
    letters: Letters, names: list[str], topic: str | None, reason: str | None, stage: str | None
) -> list[Letter]:
    """The letters of these names; or, of those that fit, the ones that nobody has replayed yet.

    Raises OkrError where both are asked for, or neither.
    """
    filtered = any(one is not None for one in (topic, reason, stage))
    if filtered == bool(names):
        raise OkrError("name the letters to replay, or say which by --topic, --reason or --stage: one of both")
    if filtered:
        return [one for one in only(letters.all, topic, reason, stage) if letters.state(one) is State.DEAD]
    return list({one.letter_id: one for one in map(letters.named, names)}.values())
