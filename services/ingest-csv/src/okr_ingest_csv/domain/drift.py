"""How a header differs from the one that the source's file before had."""

from collections.abc import Iterator, Sequence

from okr_common.sources import nearest
from okr_ingest_csv.domain.finding import Finding

SHOWN = 10
"""So many names are told of each kind."""
GUESSED = 2_500
"""Of more pairs of names nobody guesses which was renamed: it would take long, and hardly be right."""


def header_drift(header: Sequence[str], former: Sequence[str]) -> list[Finding]:
    """Renamed, added, removed and reordered columns; names count without their outer blanks.

    >>> [(one.kind, one.detail) for one in header_drift(["id", "Goal title", "due"], ["id", "goal_title"])]
    [('columns_renamed', 'goal_title is now Goal title'), ('columns_added', 'due')]
    """
    now, then = _names(header), _names(former)
    added = [name for name in now if name not in then]
    removed = [name for name in then if name not in now]
    renamed = dict(_renamed(removed, added))
    findings = [
        Finding("columns_renamed", _listed([f"{old} is now {new}" for old, new in renamed.items()])),
        Finding("columns_added", _listed([name for name in added if name not in renamed.values()])),
        Finding("columns_removed", _listed([name for name in removed if name not in renamed])),
        Finding("columns_reordered", _reordered(now, then)),
    ]
    return [finding for finding in findings if finding.detail]


def _names(header: Sequence[str]) -> list[str]:
    """Each once, in order; a column without a name cannot be told from another."""
    return [name for name in dict.fromkeys(name.strip() for name in header) if name]


def _renamed(removed: Sequence[str], added: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A column that is gone, and the new one whose name is most like it."""
    free = list(added)
    for old in removed if len(removed) * len(added) <= GUESSED else ():
        new = nearest(old, free)
        if new is not None:
            free.remove(new)
            yield old, new


def _reordered(now: Sequence[str], then: Sequence[str]) -> str:
    both = set(now) & set(then)
    if [name for name in now if name in both] == [name for name in then if name in both]:
        return ""
    return f"the columns stand in another order: {_listed(now)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
