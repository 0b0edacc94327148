"""What becomes of a file that has been looked through: it waits to be loaded, or it ends here with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from okr_common.errors import PermanentError
from okr_common.sources import MissingColumn, Sources, missing_columns
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.dialect import Dialect, dialect_of
from okr_ingest_csv.domain.discovery import Look

UNRECOGNISED = "unrecognised"
"""The reserved source of files that belong to none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to claim. `state` is waiting, or with `reason` and `detail` failed or quarantined."""

    path: str
    look: Look
    sha256: bytes
    source: str
    state: str
    reason: str | None = None
    detail: str | None = None
    dialect: Dialect | None = None


def judge(path: str, look: Look, inspection: Inspection, sources: Sources, hint: str | None = None) -> Candidate:
    """Decide from the content, and from what the sources' mappings ask for. `hint` names the source outright."""
    sha256 = inspection.fingerprint.sha256
    try:
        dialect = dialect_of(inspection.head, inspection.encoding())
    except PermanentError as error:
        source = _source(path, (), sources, hint)
        return Candidate(path, look, sha256, source, "failed", error.reason, str(error))
    try:
        source = sources.recognise(path, dialect.header, hint).source
    except PermanentError as error:
        return Candidate(path, look, sha256, UNRECOGNISED, "failed", error.reason, str(error), dialect)
    missing = missing_columns(sources.mappings[source], dialect.header)
    if missing:
        detail = _missing(source, missing)
        return Candidate(path, look, sha256, source, "quarantined", "missing_columns", detail, dialect)
    return Candidate(path, look, sha256, source, "waiting", dialect=dialect)


def _source(path: str, header: Sequence[str], sources: Sources, hint: str | None) -> str:
    try:
        return sources.recognise(path, header, hint).source
    except PermanentError:
        return UNRECOGNISED


def _missing(source: str, missing: Sequence[MissingColumn]) -> str:
    names = ", ".join(f"{one.name} (nearest here: {one.nearest})" if one.nearest else one.name for one in missing)
    return f"the mapping of {source} reads columns the file lacks: {names}. Mend one of the two and drop it again."
