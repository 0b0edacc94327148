"""okr_raw against the files themselves: read again with the csv module, byte range by byte range.

What each row says of its place is taken at its word: the ranges must tile the file, and the bytes of each, read alone,
must be the row's cells. Where no record is unreadable, the csv module must also count as many over the whole file.
"""

import asyncio
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import orjson

from okr_cli.kept import kept
from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check
from okr_common.counted import counted

MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks."""
Row = Mapping[str, Any] | asyncpg.Record
"""A stored record: its cells (None: unreadable) and its place in the file."""
CHUNK = 5_000
FIELD_BYTES = 64 * 1024 * 1024


async def check(of: Evidence) -> list[Check]:
    """Every file that is still where it was, byte for byte."""
    cells = Check(
        "raw: the files' bytes", "read again, a file gives exactly the rows and unreadable records that are stored"
    )
    counted = Check("raw: the csv module's count", "over a whole file it counts rows + unreadable records")
    kept = Check(
        "raw: files still there", "of these the bytes could be read again (others were moved or changed since)"
    )
    csv.field_size_limit(FIELD_BYTES)
    for file in await of.raw.rows("files"):
        content = await asyncio.to_thread(_bytes, file) if file["state"] == "done" else None
        if content is not None:
            kept.examined += 1
            await _read_again(of, file, content, cells)
            await asyncio.to_thread(_count, file, content, counted)
    return [cells, counted, kept]


def _bytes(file: asyncpg.Record) -> bytes | None:
    """The file's bytes, if they are still those that were read."""
    content = kept(file["path"], file["archived_as"])
    return content if content is not None and hashlib.sha256(content).digest() == bytes(file["sha256"]) else None


async def _read_again(of: Evidence, file: asyncpg.Record, content: bytes, check: Check) -> None:
    tiles = Tiles(content, file)
    chunk: list[Row] = []
    async for record in of.raw.stream("records_of_file", file["file_id"]):
        chunk.append(record)
        if len(chunk) == CHUNK:
            await asyncio.to_thread(tiles.lay, chunk, check)
            chunk = []
    await asyncio.to_thread(tiles.lay, chunk, check)
    tiles.end(check)


class Tiles:
    """Lays records onto a file's bytes, one after another."""

    def __init__(self, content: bytes, file: Row) -> None:
        self._content = content
        self._encoding = file["encoding"]
        self._delimiter = file["delimiter"]
        self._header = orjson.loads(file["header"])
        self._header_line = file["header_line"]
        self._where = f"file {file['file_id']}"
        self._next: int | None = None
        self._line = 0

    def lay(self, records: Iterable[Row], check: Check) -> None:
        """The next records, in the order of their bytes."""
        rows = list(records)
        pieces = [self._content[row["byte_start"] : row["byte_start"] + row["byte_len"]] for row in rows]
        for row, piece in zip(rows, pieces, strict=True):
            self._place(row, piece, check)
            where = f"{self._where}, lines {row['first_line']}-{row['last_line']}"
            if row["cells"] is None:
                check.must_be(where, piece[: len(row["raw"])], row["raw"])
                continue
            self._compare(where, row, self._cells(piece), check)
            if hashlib.blake2b(row["cells"].encode(), digest_size=16).digest() != row["row_hash"]:
                check.find(where, "the hash of its cells", "another row_hash")

    def _compare(self, where: str, row: Row, found: list[str] | str, check: Check) -> None:
        """A repaired row has its surplus cells joined, so it is held against the file with all of them joined."""
        cells = _json(row["cells"])
        if row["repaired"] and isinstance(found, list):
            check.must_be(where, self._delimiter.join(cells), self._delimiter.join(found))
        else:
            check.must_be(where, cells, found)

    def end(self, check: Check) -> None:
        """No more records: nothing may be left."""
        if self._next is None:
            self._begin(len(self._content), check)
        check.must_be(f"{self._where}, bytes covered", len(self._content), self._next)

    def _place(self, row: Row, piece: bytes, check: Check) -> None:
        if self._next is None:
            self._begin(row["byte_start"], check)
            self._line = row["first_line"]
        here = (row["byte_start"], row["first_line"])
        if (self._next, self._line) != here:
            check.find(f"{self._where}, line {row['first_line']}", f"byte and line {(self._next, self._line)}", here)
        self._next = row["byte_start"] + row["byte_len"]
        self._line = row["last_line"] + 1
        lines = sum(1 for _ in io.StringIO(piece.decode(self._encoding, "replace"), newline=""))
        if lines != row["last_line"] - row["first_line"] + 1:
            check.find(
                f"{self._where}, line {row['first_line']}", counted(lines, "line"), f"to line {row['last_line']}"
            )

    def _begin(self, start: int, check: Check) -> None:
        """What stands before the first record, below any titles, ends with the header."""
        before = _from_header(self._content[:start], self._encoding, self._header_line, "replace")
        records = [cells for cells in csv.reader(before, delimiter=self._delimiter) if cells]
        expected = [self._header] if self._header_line else []
        check.must_be(f"{self._where}, header", expected, records[-1:])
        self._next = start

    def _cells(self, piece: bytes) -> list[str] | str:
        """The cells of one record's bytes, or what is wrong with them."""
        try:
            records = list(
                csv.reader(
                    io.StringIO(piece.decode(self._encoding), newline=""), delimiter=self._delimiter, strict=True
                )
            )
        except (csv.Error, UnicodeDecodeError) as error:
            return f"{error}: {piece[:80]!r}"
        return records[0] if len(records) == 1 else f"{counted(len(records), 'record')}: {piece[:80]!r}"


def _unmarked(content: bytes) -> bytes:
    mark = next((mark for mark in MARKS if content.startswith(mark)), None)
    while mark and content.startswith(mark):  # some programs write it twice
        content = content.removeprefix(mark)
    return content


def _from_header(content: bytes, encoding: str, line: int, errors: str = "strict") -> io.StringIO:
    """The text from the line on which the header begins: titles above it need not be CSV."""
    text = io.StringIO(_unmarked(content).decode(encoding, errors), newline="")
    for _ in range(line - 1):
        text.readline()
    return text


def _json(cells: str) -> list[str]:
    found: list[str] = orjson.loads(cells)
    return found


def _count(file: asyncpg.Record, content: bytes, check: Check) -> None:
    """Only where the module can read all of it: what it cannot read is told by the tiles."""
    if file["unreadable"]:
        return
    text = _from_header(content, file["encoding"], file["header_line"])
    records = iter(csv.reader(text, delimiter=file["delimiter"], strict=True))
    if file["header_line"] != 0:
        next(records, None)
    check.must_be(f"file {file['file_id']} ({file['path']})", file["rows"], sum(1 for _ in records))
