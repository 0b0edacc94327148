"""The files of the ingest benchmark: 12 columns of an OKR export, about 159 bytes a row, the same at every run."""

import csv
import io
import random
from functools import cache
from pathlib import Path

HEADER = (
    "id",
    "team",
    "owner",
    "title",
    "kind",
    "direction",
    "starts_on",
    "due_on",
    "as_of",
    "target",
    "value",
    "note",
)
TAILS = 9_973
"""So many different rows but for their id; a prime, so that no block of the file is like the one before."""
BLOCK = 20_000
TEXT = (
    "raise cut weekly churn onboarding response café coverage of the renewal rate time to first value incidents per "
    "release Zürich support backlog net promoter score pipeline accounts signed trial conversion defects reopened"
)
WORDS = tuple(TEXT.split())
TEAMS = ("Growth", "Platform", "Support, EMEA", "Finance", "Field Sales", "Data", "People & Culture", "Sécurité")


def write(file: Path, rows: int, first: int = 1) -> int:
    """Writes a file of these rows; gives its bytes."""
    tails = _tails()
    with file.open("wb") as out:
        out.write(",".join(HEADER).encode() + b"\r\n")
        for start in range(first, first + rows, BLOCK):
            numbers = range(start, min(start + BLOCK, first + rows))
            out.write(b"".join(b"kr-%08d%b" % (number, tails[number % TAILS]) for number in numbers))
        return out.tell()


@cache
def _tails() -> list[bytes]:
    """What follows the id in a row."""
    draw = random.Random(20)  # noqa: S311 - the same file each time, no secret
    return [_tail(draw) for _ in range(TAILS)]


def _tail(draw: random.Random) -> bytes:
    text = io.StringIO(newline="")
    month, target = draw.randint(1, 9), draw.randint(10, 5_000)
    csv.writer(text).writerow(
        [
            "",
            draw.choice(TEAMS),
            f"user{draw.randint(1, 400)}@example.com",
            " ".join(draw.choices(WORDS, k=4)).capitalize(),
            draw.choice(("number", "percent", "currency")),
            draw.choice(("increase", "decrease")),
            f"2026-{month:02}-01",
            f"2026-{month + 3:02}-28",
            f"2026-{month + 1:02}-{draw.randint(1, 28):02} 09:{draw.randint(0, 59):02}:00",
            target,
            f"{target * draw.random():.2f}",
            _note(draw),
        ]
    )
    return text.getvalue().encode()


def _note(draw: random.Random) -> str:
    """Three in ten are blank; one in ten holds a comma and doubled quotes, one in twenty a line end."""
    kind = draw.random()
    words = " ".join(draw.choices(WORDS, k=3))
    if kind < 0.3:  # noqa: PLR2004
        return ""
    if kind < 0.4:  # noqa: PLR2004
        return f'{words}, see "{draw.choice(WORDS)}"'
    return f"{words}\n- next week" if kind < 0.45 else words  # noqa: PLR2004
