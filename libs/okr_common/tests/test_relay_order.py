from hypothesis import given
from hypothesis import strategies as st

from okr_common.delivery.outbox import Outgoing
from okr_common.delivery.relay import Waiting, wave

rows = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["t1", "t2"]), st.booleans()), max_size=30).map(
    lambda specs: [
        Waiting(number, Outgoing(key, topic, key, unit={"u": number} if unit else None), 0)
        for number, (key, topic, unit) in enumerate(specs)
    ]
)


@given(rows)
def test_waves_send_every_row_once_and_each_key_in_order(waiting: list[Waiting]) -> None:
    sent: list[Waiting] = []
    left = list(waiting)
    while left:
        now = wave(left)
        assert now, "a wave that sends nothing would wait for ever"
        sent += now
        left = [row for row in left if row not in now]
    assert sorted(row.id for row in sent) == [row.id for row in waiting]
    for key in "abc":
        assert [row.id for row in sent if row.outgoing.order_key == key] == [
            row.id for row in waiting if row.outgoing.order_key == key
        ]


@given(rows)
def test_within_a_wave_a_key_keeps_to_one_topic_and_a_unit_goes_alone(waiting: list[Waiting]) -> None:
    now = wave(waiting)
    for key in "abc":
        mine = [row.outgoing for row in now if row.outgoing.order_key == key]
        assert len({one.topic for one in mine}) <= 1
        assert len(mine) <= 1 or all(one.unit is None for one in mine)
