"""Reading a claimed file batch by batch, from its beginning to its end, or from where it was last left."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from okr_common.counted import counted
from okr_common.errors import PermanentError
from okr_ingest_csv.domain.batch import Batch, take_batch
from okr_ingest_csv.domain.fingerprint import Fingerprinted
from okr_ingest_csv.domain.plan import Range, Size, plan
from okr_ingest_csv.domain.progress import Claimed
from okr_ingest_csv.domain.records import Records, read_records
from okr_ingest_csv.opening import Stopped, UntilStopped, open_file


@dataclass(frozen=True, slots=True)
class Measure:
    """How much is read at once: records in a batch, bytes in a cell."""

    batch_rows: int
    cell_bytes: int


class Reading:
    """Opened with the first batch."""

    _stream: Fingerprinted
    _records: Records
    _written_at: int

    def __init__(self, file: Claimed, measure: Measure, stopped: Stopped = lambda: False) -> None:
        self._stopped = stopped
        self._file = file
        self._measure = measure
        self._place = file.place
        self._batches = file.batches
        self._raw: io.FileIO | None = None

    def next_batch(self, batch_id: int) -> Batch:
        """The next batch; raises PermanentError("changed_while_read") where these are not the claimed bytes."""
        if self._raw is None:
            self._raw = self._open()
        batch = take_batch(self._records, batch_id, self._place, self._measure.batch_rows)
        if self._touched(self._raw) or os.fstat(self._raw.fileno()).st_size != self._file.bytes:
            raise changed(self._file, self._batches)
        if batch.last and self._stream.fingerprint.sha256 != self._file.sha256:
            raise changed(self._file, self._batches)
        self._place = batch.after
        self._batches += 1
        return batch

    def _touched(self, raw: io.FileIO) -> bool:
        """Whether somebody wrote to it since it was opened."""
        return os.fstat(raw.fileno()).st_mtime_ns != self._written_at

    def close(self) -> None:
        """Let go of the file."""
        if self._raw is not None:
            self._raw.close()

    def _open(self) -> io.FileIO:
        raw = self._raw = open_file(Path(self._file.path))
        self._written_at = os.fstat(raw.fileno()).st_mtime_ns
        if self._file.batches:
            self._compare_all(raw)
        self._stream = Fingerprinted(raw)
        self._stream.skip(self._file.next_byte)
        self._records = read_records(self._stream, self._file.shape, self._place, cell_bytes=self._measure.cell_bytes)
        return raw

    def _compare_all(self, raw: io.FileIO) -> None:
        """After a crash: nothing of another content may be added to the batches that are there."""
        again = Fingerprinted(UntilStopped(raw, self._stopped))
        again.skip(self._file.bytes + 1)
        if again.fingerprint.sha256 != self._file.sha256:
            raise changed(self._file, self._batches)
        raw.seek(0)


def read_plan(file: Claimed, size: Size, stopped: Stopped, found: Callable[[Range], object]) -> list[Range]:
    """Where the file may be cut from where it was last left; each range is told at once, too.

    Raises UnplannableError; PermanentError("changed_while_read") where these are not the claimed bytes; RetryableError
    where the service stops.
    """
    with open_file(Path(file.path)) as raw:
        stream = Fingerprinted(UntilStopped(raw, stopped))
        stream.skip(file.next_byte)
        ranges = []
        for one in plan(stream, file.shape, file.place, size):
            ranges.append(one)
            found(one)
    if stream.fingerprint.sha256 != file.sha256:
        raise changed(file, file.batches)
    return ranges


def changed(file: Claimed, batches: int) -> PermanentError:
    """Its bytes are not those that were claimed; so many batches were read before."""
    return PermanentError(
        "changed_while_read",
        f"{file.path} changed after it was claimed; the {counted(batches, 'batch', 'batches')} read before stay, "
        "and what it holds now is taken as a new file. Write to another name and rename when complete.",
    )
