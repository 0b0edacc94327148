"""How far a claimed file has been read."""

from dataclasses import dataclass

from okr_ingest_csv.domain.identity import WAITING_STATES
from okr_ingest_csv.domain.record import Place, Repair, Shape


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that is ours to load, as the database knows it."""

    file_id: int
    source: str
    sequence: int
    path: str
    sha256: bytes
    bytes: int
    state: str
    encoding: str
    encoding_guessed: bool
    encoding_how: str | None
    delimiter: str
    header: tuple[str, ...]
    header_line: int | None
    repair: Repair | None
    expected_rows: int | None
    one_reader: str | None
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
        return Shape(self.encoding, self.delimiter, len(self.header), self.repair)

    @property
    def place(self) -> Place:
        """Where reading goes on."""
        return Place(self.next_byte, self.next_line, self.rows + self.unreadable + 1)

    @property
    def planned(self) -> bool:
        """Whether it is known where the file may be cut."""
        return self.expected_rows is not None

    @property
    def is_revert(self) -> bool:
        """Whether an older file's rows serve; where that one failed at first, this one is read like any other."""
        return self.revert_state == "done" and self.state == "waiting" and not self.batches

    @property
    def must_wait(self) -> bool:
        """Whether the older file with these bytes is still on its way."""
        return self.revert_state in WAITING_STATES
