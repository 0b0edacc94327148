from pathlib import Path

import pytest

from okr_stack import logs


def test_a_log_that_grew_too_large_begins_anew_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 100)
        logs.bound(tmp_path, largest_bytes=50)
        writer.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "kafka.log.1").read_bytes() == b"old\n" * 100


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kafka.log").write_bytes(b"x")
    logs.bound(tmp_path, largest_bytes=50)
    assert [file.name for file in tmp_path.iterdir()] == ["kafka.log"]


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "etl.log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)) + "\n")
    assert logs.tail(log, 2) == ["line 9999", ""]
    assert logs.tail(tmp_path / "none.log") == []


@pytest.mark.parametrize(
    "trouble",
    [
        '{"error": "no mapping", "event": "cannot_start", "level": "critical"}',
        "2026-11-23 09:00:00.000 UTC [7] FATAL:  could not create any TCP/IP sockets",
        "2026-11-23T09:00:00.000Z ERROR KafkaServer Exiting Kafka due to fatal exception",
        "ModuleNotFoundError: No module named 'polars'",
        "okr_common.errors.FatalError: the fence is lost",
    ],
)
def test_the_last_words_are_those_of_trouble_not_the_goodbye_after_it(tmp_path: Path, trouble: str) -> None:
    log = tmp_path / "etl.log"
    log.write_text(f"ready\n{trouble}\n" + '{"event": "goodbye", "level": "info"}\n\n')
    assert logs.last_words(log) == trouble


def test_without_trouble_the_last_line_must_do(tmp_path: Path) -> None:
    (tmp_path / "etl.log").write_text("one\ntwo\n\n")
    assert logs.last_words(tmp_path / "etl.log") == "two"
    assert logs.last_words(tmp_path / "none.log") == "(nothing)"


def test_a_follower_gives_whole_lines_once_and_notices_new_and_restarted_logs(tmp_path: Path) -> None:
    (tmp_path / "kafka.log").write_text("before\n")
    follower = logs.Follower(tmp_path)
    with (tmp_path / "kafka.log").open("a") as kafka:
        kafka.write("one\nhal")
        kafka.flush()
        (tmp_path / "etl.log").write_text("first\n")
        assert list(follower.news()) == [("etl", "first"), ("kafka", "one")]
        kafka.write("f\n")
    assert list(follower.news()) == [("kafka", "half")]
    assert list(follower.news()) == []
    (tmp_path / "kafka.log").write_text("anew\n")
    assert list(follower.news()) == [("kafka", "anew")]
