"""What `okr sources` lists."""

from okr_cli.sources import listed


def test_a_source_that_waits_is_listed_with_why_also_before_anything_of_it_was_applied() -> None:
    applied = {
        "source": "goals",
        "batches": 2,
        "rows": 9,
        "rejected": 1,
        "pending": 0,
        "applied_at": None,
        "reasons": {},
    }
    waiting = {"other": {"position": 1, "reason": "no_mapping", "detail": "put it there", "since": None}}
    goals, other = listed({"sources": [applied], "waiting": waiting})
    assert (goals["source"], goals["rows"], goals["waits"]) == ("goals", 9, None)
    assert (other["source"], other["batches"], other["waits"]) == ("other", None, "no_mapping: put it there")
