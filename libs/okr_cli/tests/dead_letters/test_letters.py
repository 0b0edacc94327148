"""Dead letters, what became of them, and whether they may be replayed: told by what stands on their topic."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_cli.dead_letters.heard import passed_over
from okr_cli.dead_letters.letters import Letters, State, letter_of, letters_of, summary
from okr_cli.dead_letters.picture import readable
from okr_cli.dead_letters.replays import Limits, Planned, message_of, note_of, planned, refusal
from okr_common.delivery.outbox import Outgoing
from okr_common.errors import OkrError, PermanentError
from okr_common.kafka.dead_letters import PREFIX, dead_letter
from okr_common.kafka.original import ATTEMPT, KEPT, ORIGIN, Header
from okr_common.kafka.producer import Exact
from okr_common.kafka.reader import Read
from okr_common.topics import DEAD_LETTERS, INGESTION_EVENTS, PROCESSED_RECORDS
from okr_common.topology import STAGES

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WHY = PermanentError("not_json", "the value is not JSON")
FIVE = Limits(5, {})
Headers = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)))


@dataclass(frozen=True)
class Message:
    """A message on its topic."""

    bytes_: bytes | None = b"{"
    own: list[Header] = field(default_factory=lambda: [("ce_id", b"7")])
    named: bytes | None = b"key"
    stood: int = 42
    on: str = INGESTION_EVENTS.name

    def topic(self) -> str:
        return self.on

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return self.stood

    def key(self) -> bytes | None:
        return self.named

    def value(self) -> bytes | None:
        return self.bytes_

    def headers(self) -> list[Header]:
        return self.own


class Broker:
    """Offsets and times as the dead letters' topic gives them."""

    def __init__(self) -> None:
        self.log: list[Read] = []

    def died(self, message: Message, stage: str = "etl") -> Read:
        made = dead_letter(message, WHY, STAGES[stage], "id")
        return self.put(made.message_key, made.value, through_the_outbox(made))

    def put(self, key: bytes | None, value: bytes | None, headers: dict[str, str]) -> Read:
        number = len(self.log)
        read = Read(DEAD_LETTERS.name, 1, number, key, value, headers, NOON + timedelta(minutes=number))
        self.log.append(read)
        return read

    def replayed(self, name: str, offset: int) -> Message:
        """The message of this letter once more, at this offset, and its note."""
        letters = self.letters()
        (plan,) = planned([letters.named(name)], letters, FIVE)
        assert plan.refused is None
        note = note_of(plan, offset)
        self.put(note.key, note.value, {one: (text or b"").decode() for one, text in note.headers})
        sent = message_of(plan)
        return Message(sent.value, list(sent.headers), sent.key, offset)

    def letters(self) -> Letters:
        return letters_of(self.log)


def through_the_outbox(made: Outgoing) -> dict[str, str]:
    headers: dict[str, str] = orjson.loads(orjson.dumps(made.headers))
    return {name: text.encode().decode("utf-8", "replace") for name, text in headers.items()}


@pytest.fixture
def broker() -> Broker:
    return Broker()


@given(Headers, st.none() | st.binary(), st.none() | st.binary())
def test_what_is_sent_again_is_the_message_byte_for_byte(
    headers: list[Header], key: bytes | None, value: bytes | None
) -> None:
    broker = Broker()
    letter = letter_of(broker.died(Message(value, headers, key)))
    sent = message_of(Planned(letter, 1, None))
    more: list[Header] = [(ATTEMPT, b"1"), (ORIGIN, b"okr_ingestion_events/3@42")]
    assert sent == Exact(INGESTION_EVENTS.name, 3, key, value, [*headers, *more])


def test_a_message_that_dies_again_and_again_is_one_chain(broker: Broker) -> None:
    broker.died(Message())
    assert [broker.letters().state(one) for one in broker.letters().all] == [State.DEAD]
    again = broker.replayed("1@0", 50)
    assert [broker.letters().state(one) for one in broker.letters().all] == [State.REPLAYED]
    broker.died(again)
    third = broker.replayed("1@2", 60)
    assert dict(third.own) == {"ce_id": b"7", ATTEMPT: b"2", ORIGIN: b"okr_ingestion_events/3@42"}
    broker.died(third)
    letters = broker.letters()
    told = [summary(letter, letters) for letter in letters.all]
    assert [(one["letter"], one["attempts"], one["state"], one["died_again_as"]) for one in told] == [
        ("1@4", 2, "dead", None),
        ("1@2", 2, "died again", "1@4"),
        ("1@0", 1, "died again", "1@4"),
    ]
    assert {one["first_origin"] for one in told} == {"okr_ingestion_events/3@42"}
    assert [one["origin"].partition("@")[2] for one in told] == ["60", "50", "42"]


def test_beyond_the_cap_it_is_refused_until_somebody_insists(broker: Broker) -> None:
    broker.died(Message())
    broker.died(broker.replayed("1@0", 50))
    letters = broker.letters()
    (newest, oldest) = letters.all
    assert refusal(newest, letters, Limits(2, {})) is None
    assert "sent again 1 time already, and dead_letters.attempts is 1" in str(refusal(newest, letters, Limits(1, {})))
    assert refusal(newest, letters, Limits(None, {})) is None
    assert "died again as 1@2; replay that one" in str(refusal(oldest, letters, Limits(None, {})))


def test_a_replay_by_name_of_what_was_replayed_counts_on(broker: Broker) -> None:
    broker.died(Message())
    broker.replayed("1@0", 50)
    assert dict(broker.replayed("1@0", 51).own)[ATTEMPT] == b"2"
    assert summary(broker.letters().named("1@0"), broker.letters())["attempts"] == 2


def test_a_message_two_services_could_not_handle_is_two_chains(broker: Broker) -> None:
    broker.died(Message(), "etl")
    broker.died(Message(), "trainer")
    broker.died(broker.replayed("1@0", 50), "etl")
    letters = broker.letters()
    assert {letter.said("stage"): letters.state(letter) for letter in reversed(letters.all)} == {
        "etl": State.DEAD,
        "trainer": State.DEAD,
    }


def test_a_letter_that_was_published_twice_is_listed_once(broker: Broker) -> None:
    first = broker.died(Message())
    broker.put(first.key, first.value, dict(first.headers))
    assert [letter.name for letter in broker.letters().all] == ["1@0"]


@pytest.mark.parametrize(
    "name", ["1@0", "okr_ingestion_events/3/42", "okr_ingestion_events/3@42"], ids=["letter", "slashes", "at"]
)
def test_a_letter_is_found_by_its_name_and_by_where_its_message_stood(broker: Broker, name: str) -> None:
    broker.died(Message())
    broker.died(Message(stood=43))
    assert broker.letters().named(name).name == "1@0"
    with pytest.raises(OkrError, match="there is no dead letter 9@9"):
        broker.letters().named("9@9")


def test_what_is_not_whole_or_was_never_sent_is_refused_with_the_reason(broker: Broker) -> None:
    whole = broker.died(Message())
    old = {name: text for name, text in whole.headers.items() if name not in (KEPT, ATTEMPT, ORIGIN)}
    broken = {**whole.headers, KEPT: "["}
    never = old | {PREFIX + "exception.class.name": "too_large", PREFIX + "offset": "never sent: 7"}
    stranger = {**whole.headers, PREFIX + "topic": "not_ours"}
    nowhere = {**whole.headers, PREFIX + "partition": "12"}
    cut = broker.died(Message(b"x" * 2_000_000))
    expected = {
        "a version that did not keep": whole._replace(headers=old),
        "did not keep its message's headers": whole._replace(headers=broken),
        "never sent": whole._replace(headers=never),
        "that place is no more": whole._replace(headers=stranger),
        "where its message stood": whole._replace(headers=nowhere),
        "carries a part of its message only": cut,
    }
    for words, read in expected.items():
        assert words in str(refusal(letter_of(read), letters_of([read]), Limits(None, {})))
        (told,) = [summary(one, letters_of([read])) for one in letters_of([read]).all]
        assert told["state"] == "dead"


def test_messages_go_again_in_the_order_in_which_they_stood(broker: Broker) -> None:
    for offset in (9, 100, 10):
        broker.died(Message(stood=offset))
    plans = planned(broker.letters().all, broker.letters(), FIVE)
    assert [plan.letter.said("offset") for plan in plans] == ["9", "10", "100"]


def test_a_record_the_trainer_would_pass_over_is_refused(broker: Broker) -> None:
    value = orjson.dumps({"source": "mta", "generation": 1, "position": 4, "seq": 7})
    letter = letter_of(broker.died(Message(value, on=PROCESSED_RECORDS.name), "trainer"))
    assert "to position 5, and would pass this over, of position 4" in str(passed_over(letter, {"mta": (1, 5, 0)}))
    assert passed_over(letter, {"mta": (1, 4, 7)}) is not None
    assert passed_over(letter, {"mta": (1, 4, 6)}) is None
    assert passed_over(letter, {"other": (1, 9, 9)}) is None
    unknown = letter_of(broker.died(Message(b"[]", on=PROCESSED_RECORDS.name), "trainer"))
    assert passed_over(unknown, {"mta": (1, 5, 0)}) is None
    elsewhere = replace(letter, read=broker.died(Message(value)))
    assert passed_over(elsewhere, {"mta": (1, 5, 0)}) is None


def test_values_are_shown_as_what_they_are() -> None:
    assert readable(b'{"a":[1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert readable("Größe: 5 %".encode()) == "Größe: 5 %"
    assert readable(None) == "null: a tombstone"
    assert readable(b"\xff\x00OKR") == f"000000  {'ff 00 4f 4b 52':<47}  ..OKR"
    assert readable(b"x" * 5_000).endswith("\n... and 1,000 more; --json has it all")
