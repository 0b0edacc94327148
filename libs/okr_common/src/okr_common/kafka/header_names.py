"""Lets Faust's client read on where the name of a header is no UTF-8: there it would end, and so its service.

Kafka's protocol forbids such names, and its broker takes them. aiokafka reads a fetch as batches of records; the batch
that it gives up is read again here, with a name that says so, and whoever handles the message sets it aside
(`bad_headers`).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from okr_common.kafka.original import UNREADABLE
from okr_common.logs import logger

log = logger(__name__)
OVERHEAD = 12
"""Bytes of a batch before those that its length counts: its first offset, and the length."""
LENGTH = slice(8, OVERHEAD)


def make_readable() -> None:
    """From now on every consumer of aiokafka in this process reads such names."""
    fetcher.MemoryRecords = ReadableRecords


class ReadableRecords:
    """The batches of one fetch, as `MemoryRecords` gives them."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._records = MemoryRecords(content)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Of the fetch."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is another batch."""
        return bool(self._records.has_next())

    def next_batch(self) -> Any:  # noqa: ANN401 - as aiokafka has it
        """It."""
        start = self._at
        self._at += OVERHEAD + int.from_bytes(self._content[start + LENGTH.start : start + LENGTH.stop], "big")
        batch = self._records.next_batch()
        return _Batch(batch, self._content[start : self._at]) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch:
    def __init__(self, batch: DefaultRecordBatch, content: bytes) -> None:
        self._batch = batch
        self._content = content

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a batch has
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except (UnicodeDecodeError, CorruptRecordException) as error:
            log.warning("unreadable_header_name", first_offset=self._batch.base_offset, error=str(error))
            yield from islice(_readable(self._content), read, None)


def _readable(content: bytes) -> Iterator[Any]:
    """The records of a batch, by aiokafka's own reader in Python."""
    batch = _DefaultRecordBatchPy(content)
    records: Iterator[Any] = iter(batch)  # unpacks it
    batch._buffer = _Names(batch._buffer)  # noqa: SLF001 - the only place where it takes a name for text
    return records


class _Names(bytearray):
    """Bytes of which no part is refused as text."""

    def __getitem__(self, at: Any) -> Any:  # noqa: ANN401 - a place or a slice
        found = super().__getitem__(at)
        return _Names(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        try:
            return super().decode(encoding, errors)
        except UnicodeDecodeError:
            return UNREADABLE[0]
