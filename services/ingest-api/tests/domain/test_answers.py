"""What an API's status means."""

from datetime import UTC, datetime

import pytest

from okr_common.errors import PermanentError
from okr_ingest_api.domain.answers import AskAgainError, check

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_an_ok_is_a_page() -> None:
    check(200, {}, NOW, with_cursor=False)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(status: int) -> None:
    with pytest.raises(AskAgainError, match=str(status)) as raised:
        check(status, {}, NOW, with_cursor=True)
    assert raised.value.after is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("in a while", None),
        ("-3", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    with pytest.raises(AskAgainError) as raised:
        check(429, {"retry-after": header}, NOW, with_cursor=False)
    assert raised.value.after == seconds


@pytest.mark.parametrize(
    ("status", "with_cursor", "reason"),
    [
        (401, True, "unauthorised"),
        (403, False, "unauthorised"),
        (404, False, "no_such_endpoint"),
        (404, True, "cursor_refused"),
        (410, True, "cursor_refused"),
        (400, True, "cursor_refused"),
        (400, False, "refused"),
        (301, False, "moved"),
        (204, False, "refused"),
        (501, False, "refused"),
        (599, True, "refused"),
    ],
)
def test_what_will_not_pass_says_what_to_do(status: int, with_cursor: bool, reason: str) -> None:  # noqa: FBT001
    with pytest.raises(PermanentError) as raised:
        check(status, {"location": "https://elsewhere"}, NOW, with_cursor=with_cursor)
    assert raised.value.reason == reason
