"""How fast a file is read, and when it will be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Records read, of how many (None: nobody counted them), records per second, and seconds until the end."""

    records: int
    expected: int | None
    records_per_second: float | None
    seconds_left: float | None


def pace_of(records: int, expected: int | None, bytes_read: int, bytes_all: int, seconds: float) -> Pace:
    """The pace of a file that has been loading for so long. Time left goes by bytes: of a file each is read once.

    >>> pace_of(500, 2000, 50, 200, 10.0)
    Pace(records=500, expected=2000, records_per_second=50.0, seconds_left=30.0)
    """
    if seconds <= 0 or not bytes_read:
        return Pace(records, expected, None, None)
    return Pace(records, expected, records / seconds, seconds * (bytes_all - bytes_read) / bytes_read)
