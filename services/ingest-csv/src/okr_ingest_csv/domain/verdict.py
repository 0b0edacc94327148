"""What becomes of a file that has been looked through: it waits to be loaded, or it ends here with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from okr_common.errors import PermanentError
from okr_common.sources import Mapping, MissingColumn, Read, Sources, missing_columns
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.dialect import Asked, Dialect, IsHeader, dialect_of
from okr_ingest_csv.domain.discovery import Look, storable
from okr_ingest_csv.domain.record import Repair

UNRECOGNISED = "unrecognised"
"""The reserved source of files that belong to none."""
NO_READ = Read()


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be in bytes, and its header in characters and in columns."""

    file_bytes: int = 50_000_000_000
    header_bytes: int = 65_536
    columns: int = 5_000


NO_LIMITS = Limits()


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
    repair: Repair | None = None


def judge(
    path: str,
    look: Look,
    inspection: Inspection,
    sources: Sources,
    *,
    hint: str | None = None,
    limits: Limits = NO_LIMITS,
) -> Candidate:
    """Decide from the content, and from what the sources' mappings ask for. `hint` names the source outright."""
    sha256 = inspection.fingerprint.sha256
    try:
        known = sources.by_place(path, hint)
        dialect = _dialect(inspection, known, _is_header(path, known, sources), limits)
    except PermanentError as error:
        return Candidate(path, look, sha256, _source(path, hint, sources), "failed", error.reason, str(error))
    try:
        mapping = known or sources.mappings[sources.recognise(path, dialect.header, hint).source]
        if known is None and mapping.read != NO_READ:  # only now is it known how its source is to be read
            dialect = _dialect(inspection, mapping, _is_header(path, mapping, sources), limits)
    except PermanentError as error:
        return Candidate(path, look, sha256, UNRECOGNISED, "failed", error.reason, str(error), dialect)
    missing = missing_columns(mapping, dialect.header)
    if missing:
        detail = _missing(mapping.name, missing)
        return Candidate(path, look, sha256, mapping.name, "quarantined", "missing_columns", detail, dialect)
    repair = repair_of(mapping, dialect.header)
    return Candidate(path, look, sha256, mapping.name, "waiting", dialect=dialect, repair=repair)


def broken(path: str, look: Look, inspection: Inspection, detail: str) -> Candidate:
    """A file that could not be judged, for a reason nobody foresaw."""
    told = f"{detail}. Please report this."
    return Candidate(path, look, inspection.fingerprint.sha256, UNRECOGNISED, "failed", "internal_error", told)


def sayable(candidate: Candidate) -> Candidate:
    """The same with its detail as text that every database and message takes."""
    if candidate.detail is None:
        return candidate
    return replace(candidate, detail=storable(candidate.detail.replace("\0", "\\0")))


def wordless(candidate: Candidate, detail: str) -> Candidate:
    """A file of which the database would not keep what it says."""
    told = "".join(character if character.isprintable() else "?" for character in detail)
    return replace(candidate, state="failed", reason="internal_error", detail=told, dialect=None, repair=None)


def _dialect(inspection: Inspection, mapping: Mapping | None, is_header: IsHeader, limits: Limits) -> Dialect:
    read = mapping.read if mapping else NO_READ
    asked = Asked(read, is_header, limits.header_bytes, limits.columns)
    return dialect_of(inspection.head, inspection.encoding(read.encoding), asked)


def _is_header(path: str, mapping: Mapping | None, sources: Sources) -> IsHeader:
    if mapping is not None:
        return lambda cells: not missing_columns(mapping, cells)
    return lambda cells: sources.is_header(path, cells)


def repair_of(mapping: Mapping, header: Sequence[str]) -> Repair | None:
    """Where the surplus cells of this source's records go; None where it allows no repair."""
    names = [name.strip() for name in header]
    if mapping.read.repair_column not in names:
        return None
    column = names.index(mapping.read.repair_column)

    def right_of_it(*types: str) -> tuple[int, ...]:
        typed = {one.origin for one in mapping.columns.values() if one.type in types}
        return tuple(at for at, name in enumerate(names) if at > column and name in typed)

    return Repair(column, right_of_it("integer", "number"), right_of_it("date", "timestamp"))


def _source(path: str, hint: str | None, sources: Sources) -> str:
    try:
        mapping = sources.by_place(path, hint)
    except PermanentError:
        return UNRECOGNISED
    return mapping.name if mapping else UNRECOGNISED


def _missing(source: str, missing: Sequence[MissingColumn]) -> str:
    names = ", ".join(f"{one.name} (nearest here: {one.nearest})" if one.nearest else one.name for one in missing)
    return (
        f"the mapping of {source} reads columns the file lacks: {names}. Mend the mapping and let the file go "
        "(okr files release), or mend the export and drop it again."
    )
