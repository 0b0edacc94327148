"""What the status of an answer means: go on, ask again (and when), or never."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from okr_common.errors import PermanentError, RetryableError

PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""May be gone the next time."""
FORGOTTEN = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY})
"""What APIs say to a cursor that has expired."""
LONGEST_PAUSE = timedelta(days=7)


class AskAgainError(RetryableError):
    """This request may succeed later; `after` are the seconds the API asks for, None where it leaves that to us."""

    def __init__(self, result: str, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.result = result
        self.after = after


class AskedToWaitError(PermanentError):
    """The API wants to be left alone longer than this run is willing to wait: until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__("asked_to_wait", f"the API asks not to be called before {until:%Y-%m-%d %H:%M:%S} UTC")
        self.until = until


def check(status: int, headers: Mapping[str, str], now: datetime, *, with_cursor: bool) -> None:
    """Returns where the answer is a page. Raises AskAgainError or PermanentError; `headers` have lower-case names."""
    if status == HTTPStatus.OK:
        return
    if status in PASSING:
        raise AskAgainError(
            str(status), f"the API answered {_named(status)}", _seconds(headers.get("retry-after"), now)
        )
    if status in FORGOTTEN and with_cursor:
        raise PermanentError("cursor_refused", f"the API answered {_named(status)} to the cursor it had given before")
    raise _refusal(status, headers)


def until(now: datetime, seconds: float) -> datetime:
    """The end of a pause; one beyond a week is not taken seriously.

    >>> until(datetime(2026, 1, 1, tzinfo=UTC), 1e12)
    datetime.datetime(2026, 1, 8, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return now + min(timedelta(seconds=min(seconds, 1e9)), LONGEST_PAUSE)


def _refusal(status: int, headers: Mapping[str, str]) -> PermanentError:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return PermanentError(
                "unauthorised", f"the API answered {_named(status)}; put a valid token into the source's token_file"
            )
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            return PermanentError("no_such_endpoint", f"the API answered {_named(status)}; mend base_url and path")
        case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            target = headers.get("location", "somewhere else")
            return PermanentError(
                "moved", f"the API answered {_named(status)} to {target}; the token is not taken there: mend base_url"
            )
        case _:
            return PermanentError("refused", f"the API answered {_named(status)}; mend path, parameters or token")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Of a Retry-After header, which holds seconds or a date; None where it holds neither.

    >>> _seconds("7", datetime(2026, 1, 1, tzinfo=UTC))
    7.0
    >>> _seconds("Thu, 01 Jan 2026 00:01:00 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    60.0
    >>> _seconds("soon", datetime(2026, 1, 1, tzinfo=UTC)) is None
    True
    """
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
