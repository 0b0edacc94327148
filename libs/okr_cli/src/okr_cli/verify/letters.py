"""Dead letters and outboxes: nothing is set aside without a reason, nothing waits unsent."""

from okr_cli.dead_letters.letters import Letter, letter_of, replay_of
from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check
from okr_cli.verify.topics import Logs
from okr_common.kafka.dead_letters import MOST_BYTES, PREFIX

EXPLAINS = ("exception.class.name", "exception.message", "topic", "partition", "offset", "stage")


async def check(of: Evidence, logs: Logs) -> list[Check]:
    """What could not be handled, and what has still to be said."""
    return [_explained(logs), _replayed(logs), _strangers(logs), await _outboxes(of)]


def _explained(logs: Logs) -> Check:
    check = Check("topics: dead letters", "every dead letter says why, where from, and stands under one id")
    ids: dict[str, str] = {}
    for letter in logs.letters:
        missing = [name for name in EXPLAINS if not letter.headers.get(PREFIX + name)]
        check.must_be(f"{letter.where}, headers missing", [], missing)
        about = f"{letter_of(letter).place} by {letter.headers.get(PREFIX + 'stage')}"
        check.must_be(
            f"{letter.where}, of {about}",
            ids.setdefault(about, letter.headers.get("ce_id", "")),
            letter.headers.get("ce_id"),
        )
    return check


def _replayed(logs: Logs) -> Check:
    says = "a message that was sent again is the same as before, and the note of it says of which dead letter it was"
    check = Check("topics: replays", says)
    for note in logs.replays:
        check.examined += 1
        if replay_of(note) is None:
            check.find(note.where, "the note of a replay", note.value)
    first: dict[tuple[str, str], Letter] = {}
    for letter in sorted(map(letter_of, logs.letters), key=lambda one: one.attempt):
        before = first.setdefault(letter.chain, letter)
        if letter.attempt > 0:
            about = f"{letter.read.where}, replay {letter.attempt} of {letter.origin}"
            check.must_be(about, _bytes(before), _bytes(letter))
    return check


def _bytes(letter: Letter) -> tuple[bytes | None, bytes | None]:
    return letter.read.key, letter.read.value


def _strangers(logs: Logs) -> Check:
    check = Check("topics: strangers", "a message that is no fact of its topic has a dead letter with its very bytes")
    letters = {letter_of(letter).place: letter for letter in logs.letters}
    for where, message in logs.strangers.items():
        letter = letters.get(where)
        carried = None if message.value is None else message.value[:MOST_BYTES]
        check.must_be(where, carried, letter.value if letter else "no dead letter")
    return check


async def _outboxes(of: Evidence) -> Check:
    check = Check("outboxes", "nothing has waited for more than 30 seconds to be published")
    for name, view in of.databases().items():
        check.examined += 1
        for row in await view.rows("unsent"):
            if row["old"]:
                check.find(
                    f"okr_{name}, {row['service']}",
                    "nothing old",
                    f"{row['old']} unsent, the oldest of {row['oldest']:%F %T}",
                )
    return check
