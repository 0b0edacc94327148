"""Messages are read quickly where they are plain, in full where they are not, and never half."""

from datetime import date
from typing import Any

import orjson
import pytest

from okr_common import codec
from okr_common.errors import PermanentError
from okr_trainer.domain.inputs import CheckIn, Gone, Input, Outcome
from okr_trainer.messages import _checked, _quick, read_value, read_values
from okr_trainer.testing import Company, record


@pytest.fixture
def said(company: Company) -> list[Input]:
    company.year("sales", 2017, [99.0] * 12, attributes={"team": "blue", "size": 3.0}, due_known=False, owner="Ada")
    return company.batch()


def test_both_ways_of_reading_agree(said: list[Input]) -> None:
    for one in said:
        value = codec.to_json(record(one))
        assert read_value(value).one == one
        assert _quick(value) == _checked(value)


def changed(one: Input, **more: Any) -> bytes:  # noqa: ANN401
    content = orjson.loads(codec.to_json(record(one)))
    payload = content["payload"] | more.pop("payload", {})
    return orjson.dumps(content | more | {"payload": payload})


@pytest.mark.parametrize(
    "strange",
    [
        {"payload": {"value": 5}},
        {"payload": {"value": "5.0"}},
        {"payload": {"as_of": "2017-01-31T00:00:00"}},
        {"knowledge_time": 1_485_820_800},
        {"position": "3"},
    ],
)
def test_what_is_not_plain_but_right_is_read_in_full(company: Company, strange: dict[str, Any]) -> None:
    one = company.check_in("sales/2017", date(2017, 1, 31), 5.0)
    read = read_value(changed(one, **strange)).one
    assert isinstance(read, CheckIn)
    assert (read.value, read.as_of) == (5.0, date(2017, 1, 31).toordinal())


@pytest.mark.parametrize(
    ("strange", "reason"),
    [
        ({"payload": {"value": "much"}}, "wrong_shape"),
        ({"payload": {"key_result_id": "x" * 36}}, "wrong_shape"),
        ({"payload": {"as_of": "2017-02-31"}}, "wrong_shape"),
        ({"entity_id": "x" * 36}, "wrong_shape"),
        ({"entity": "person"}, "wrong_shape"),
        ({"knowledge_time": "2017-01-31T00:00:00"}, "wrong_shape"),
        ({"revision": 2**31}, "wrong_shape"),
        ({"position": 2**63}, "wrong_shape"),
        ({"surplus": 1}, "wrong_shape"),
    ],
)
def test_what_is_wrong_says_so(company: Company, strange: dict[str, Any], reason: str) -> None:
    one = company.check_in("sales/2017", date(2017, 1, 31), 5.0)
    with pytest.raises(PermanentError) as caught:
        read_value(changed(one, **strange))
    assert caught.value.reason == reason


@pytest.mark.parametrize("value", [b"", None, b"not json", b"[]", b"{}", b"\xff", b"null", b'"text"'])
def test_hostile_values_are_set_aside_and_the_others_are_read(said: list[Input], value: bytes | None) -> None:
    good = codec.to_json(record(said[0]))
    reading = read_values([good, value, good], lambda source: source)
    assert [number for number, _ in reading.unreadable] == [1]
    assert [heard.one for heard in reading.by_model["acme"]] == [said[0], said[0]]


def test_an_objective_has_its_place_and_nothing_to_say(company: Company) -> None:
    one = company.define("sales/2017", date(2017, 1, 1))
    heard = read_value(changed(one, entity="objective"))
    assert (heard.place, heard.one) == (one.version.place, None)


def test_what_is_no_more_is_news_to_the_model(said: list[Input], company: Company) -> None:
    definition, check_in, outcome = said[0], said[1], said[-1]
    assert isinstance(check_in, CheckIn)
    assert isinstance(outcome, Outcome)
    assert isinstance(read_value(changed(definition, closed="replayed")).one, Gone)
    assert read_value(changed(definition, entity="objective", closed="replayed")).one is None
    for one in (check_in, outcome):
        for replayed in (True, False):
            withdrawn = company.withdraw(one, date(2018, 1, 1), replayed=replayed)
            assert read_value(codec.to_json(record(withdrawn))).one == withdrawn
