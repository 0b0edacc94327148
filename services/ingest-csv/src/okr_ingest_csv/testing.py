"""A file's bytes as ingest-csv reads them, without a disk or a database: for tests of this service and of others."""

import io
from collections.abc import Sequence
from typing import NamedTuple

from okr_common.sources import Read
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.dialect import Asked, Dialect, IsHeader, dialect_of
from okr_ingest_csv.domain.record import Repair, Row, Shape, Unreadable
from okr_ingest_csv.domain.records import read_records


class Whole(NamedTuple):
    """How a file is read, its rows, and its records that are none."""

    dialect: Dialect
    rows: list[Row]
    unreadable: list[Unreadable]

    @property
    def cells(self) -> list[list[str]]:
        """Of each row."""
        return [row[0] for row in self.rows]


def dialect_in(content: bytes, read: Read | None = None, is_header: IsHeader | None = None) -> Dialect:
    """How these bytes are read; without `is_header` no source asks for columns."""
    inspection = Inspection()
    inspection.feed(content)
    asked = Asked(read or Read(), is_header or _nobody, 65_536, 5_000)
    return dialect_of(inspection.head, inspection.encoding(asked.read.encoding), asked)


def read_whole(
    content: bytes, read: Read | None = None, is_header: IsHeader | None = None, repair: Repair | None = None
) -> Whole:
    """All of it."""
    dialect = dialect_in(content, read, is_header)
    shape = Shape(dialect.encoding.name, dialect.delimiter, len(dialect.header), repair)
    records = list(read_records(io.BytesIO(content[dialect.start.byte :]), shape, dialect.start))
    rows = [one for one in records if not isinstance(one, Unreadable)]
    return Whole(dialect, rows, [one for one in records if isinstance(one, Unreadable)])


def _nobody(_: Sequence[str]) -> bool:
    return False
