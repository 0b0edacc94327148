"""Counts as people read them."""


def counted(count: int, one: str, more: str | None = None) -> str:
    """A count and what was counted; `more` is needed where several are not called by an added s.

    >>> counted(1, "row"), counted(1200, "row"), counted(0, "batch", "batches")
    ('1 row', '1,200 rows', '0 batches')
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"
