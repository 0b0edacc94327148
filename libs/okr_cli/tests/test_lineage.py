"""What `okr lineage` shows of a record."""

from okr_cli.lineage import SHOWN, beginning


def test_of_a_long_record_the_beginning_is_shown() -> None:
    assert beginning("Grow,100%,é") == "Grow,100%,é"
    assert beginning("x" * (SHOWN + 1)) == f"{'x' * SHOWN}... (1 character more: --full)"
