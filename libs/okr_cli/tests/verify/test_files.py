"""A file's bytes against what is said of them: every lie about a cell, a byte or a line is found."""

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest

from okr_cli.verify.files import Tiles, _count
from okr_cli.verify.finding import Check

CONTENT = 'id,text\n1,caf\xe9\n2,"two\nlines"\n3,x,y\n4,last'.encode("cp1252")
HEADER = ["id", "text"]


def row(cells: list[str] | None, first: int, last: int, start: int, length: int) -> dict[str, Any]:
    said = None if cells is None else json.dumps(cells)
    place = {"first_line": first, "last_line": last, "byte_start": start, "byte_len": length}
    hashed = None if said is None else blake2b(said.encode(), digest_size=16).digest()
    return {
        "cells": said,
        "row_hash": hashed,
        "repaired": False,
        "raw": None if said else CONTENT[start : start + length],
        **place,
    }


def file(header: list[str], encoding: str = "cp1252", header_line: int = 1) -> dict[str, Any]:
    said = {"header": json.dumps(header), "header_line": header_line}
    return {"file_id": 1, "encoding": encoding, "delimiter": ",", **said}


def stored() -> list[dict[str, Any]]:
    return [
        row(["1", "caf\xe9"], 2, 2, 8, 7),
        row(["2", "two\nlines"], 3, 4, 15, 14),
        row(None, 5, 5, 29, 6),
        row(["4", "last"], 6, 6, 35, 6),
    ]


def look(rows: list[dict[str, Any]], content: bytes = CONTENT, header: list[str] = HEADER) -> Check:
    check = Check("files", "say what is stored")
    tiles = Tiles(content, file(header))
    tiles.lay(rows[:2], check)
    tiles.lay(rows[2:], check)
    tiles.end(check)
    return check


def test_what_was_read_right_is_clean() -> None:
    check = look(stored())
    assert check.findings == []
    assert check.examined == 6  # the header, three rows, one unreadable record, the end


def change(number: int, **fields: object) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows[number].update(fields)


@pytest.mark.parametrize(
    "lie",
    [
        change(0, cells='["1", "cafe"]'),
        change(1, cells='["2", "two\\nlines", ""]'),
        change(1, byte_start=16),
        change(1, byte_len=13),
        change(1, last_line=3),
        change(2, first_line=4),
        change(2, raw=b"3,x,z\n"),
        change(3, row_hash=bytes(16)),
        change(3, byte_len=5),
        lambda rows: rows.pop(0),
        lambda rows: rows.pop(2),
        lambda rows: rows.pop(),
    ],
)
def test_every_lie_is_found(lie: Callable[[list[dict[str, Any]]], None]) -> None:
    rows = stored()
    lie(rows)
    assert look(rows).wrong


def test_another_header_is_found() -> None:
    assert look(stored(), header=["id", "words"]).wrong == 1


def test_a_file_of_a_header_only_is_clean() -> None:
    assert look([], content=b"id,text\n").findings == []


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    check = Check("files", "say what is stored")
    tiles = Tiles(b"\xef\xbb\xbfid\n1\n", file(["id"], encoding="utf-8"))
    tiles.lay([row(["1"], 2, 2, 6, 2)], check)
    tiles.end(check)
    assert check.findings == []


def test_titles_need_not_be_csv() -> None:
    content = b'The "best\xe9\n"goals\nid,text\n1,a\n'
    described = file(HEADER, header_line=3) | {"unreadable": 0, "rows": 1, "path": "goals.csv"}
    check = Check("files", "say what is stored")
    tiles = Tiles(content, described)
    tiles.lay([row(["1", "a"], 4, 4, 26, 4)], check)
    tiles.end(check)
    _count(described, content, check)
    assert (check.findings, check.examined) == ([], 4)


def test_titles_and_a_file_without_a_header_are_clean_and_a_repair_is_held_against_the_bytes() -> None:
    check = Check("files", "say what is stored")
    titled = Tiles(b"Our goals\nid,text\n1,a, b\n", file(["id", "text"], header_line=2))
    repaired = row(["1", "a, b"], 3, 3, 18, 7) | {"repaired": True}
    titled.lay([repaired], check)
    titled.end(check)
    bare = Tiles(b"1,x\n", file(["id", "text"], header_line=0))
    bare.lay([row(["1", "x"], 1, 1, 0, 4)], check)
    bare.end(check)
    assert check.findings == []
    titled.lay([repaired | {"cells": '["1", "a b"]'}], check)
    assert check.wrong
