"""How far a claimed file has been read."""

from dataclasses import dataclass

from okr_ingest_csv.domain.content import codec_of
from okr_ingest_csv.domain.identity import WAITING_STATES
from okr_ingest_csv.domain.record import Place, Shape


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that is ours to load, as the database knows it."""

    file_id: int
    source: str
    path: str
    sha256: bytes
    bytes: int
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: int
    unreadable: int
    batches: int
    next_byte: int
    next_line: int
    revert_of: int | None
    revert_state: str | None

    @property
    def shape(self) -> Shape:
        """How its bytes are taken apart."""
        return Shape(codec_of(self.encoding), self.delimiter, len(self.header))

    @property
    def place(self) -> Place:
        """Where reading goes on."""
        return Place(self.next_byte, self.next_line, self.rows + 1)

    @property
    def is_revert(self) -> bool:
        """Whether an older file's rows serve; where that one failed after all, this one is read like any other."""
        return self.revert_state == "done"

    @property
    def must_wait(self) -> bool:
        """Whether the older file with these bytes is still on its way."""
        return self.revert_state in WAITING_STATES
