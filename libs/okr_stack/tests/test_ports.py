import socket

import pytest

from okr_stack.errors import StackError
from okr_stack.ports import HOST, Reservations, choose, is_free


def test_the_default_is_taken_where_it_is_free() -> None:
    assert choose({"kafka": 9092, "postgres": 5432}, {}, lambda _: True) == {"kafka": 9092, "postgres": 5432}


def test_the_port_of_last_time_comes_before_the_default() -> None:
    assert choose({"kafka": 9092}, {"kafka": 9100}, lambda _: True) == {"kafka": 9100}


def test_a_remembered_port_that_another_program_took_gives_way() -> None:
    assert choose({"kafka": 9092}, {"kafka": 9100}, lambda port: port != 9100) == {"kafka": 9092}


def test_a_part_never_takes_the_default_of_another() -> None:
    chosen = choose({"kafka": 9092, "controller": 9093}, {}, lambda port: port != 9092)
    assert chosen == {"kafka": 9094, "controller": 9093}


def test_two_remembered_parts_never_share_a_port() -> None:
    chosen = choose({"kafka": 9092, "controller": 9093}, {"kafka": 9100, "controller": 9100}, lambda _: True)
    assert chosen == {"kafka": 9100, "controller": 9093}


def test_no_free_port_is_said_in_one_sentence() -> None:
    with pytest.raises(StackError, match="No port is free for kafka"):
        choose({"kafka": 65000}, {}, lambda _: False)


def test_a_listening_port_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert not Reservations().take(port)
    assert is_free(port)


def test_a_port_promised_by_one_stack_is_not_given_to_another() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
    one, other = Reservations(), Reservations()
    assert one.take(port)
    assert one.take(port)
    assert not other.take(port)
    one.release()
    assert other.take(port)
    other.release()
