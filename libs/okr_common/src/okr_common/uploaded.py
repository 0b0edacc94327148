"""What an uploaded file was called by whoever sent it: on disk its name has the time and a token in front."""

import re

_STORED = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}-(?P<sent>.+)", re.DOTALL)


def sent_as(name: str) -> str | None:
    """The name it was sent under; None for a file that was no upload.

    >>> sent_as("20260301T090000Z-0123abcd-goals.csv"), sent_as("goals.csv")
    ('goals.csv', None)
    """
    found = _STORED.fullmatch(name)
    return found["sent"] if found else None
