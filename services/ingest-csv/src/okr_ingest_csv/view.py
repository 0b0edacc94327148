"""A file as REST shows it."""

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from okr_ingest_csv.domain.pace import pace_of
from okr_ingest_csv.domain.profile import Profile

Row = Mapping[str, Any]


def of_file(row: Row) -> dict[str, Any]:
    """Its own columns, JSON told as such, and how fast it is being read."""
    told = dict(row)
    seconds = told.pop("seconds_loading")
    for name in ("header", "repair"):
        told[name] = None if told[name] is None else orjson.loads(told[name])
    if told["state"] == "loading":
        records = told["rows"] + told["unreadable"]
        told["pace"] = pace_of(records, told["expected_rows"], told["next_byte"], told["bytes"], seconds or 0.0)
    return told


def of_profile(row: Row, profile: Profile) -> dict[str, Any]:
    """Cells that are blank, and cells that cleaning will change, by column; the share of rows known before."""
    names = [] if row["header"] is None else orjson.loads(row["header"])
    known = row["known_rows"]
    return {
        "known_share": known / row["rows"] if known is not None and row["rows"] else None,
        "blank_cells": _named(profile.blank, names),
        "cells_to_clean": {rule: _named(columns, names) for rule, columns in profile.cleaned.items()},
        "repaired": profile.repaired,
    }


def _named(counts: Mapping[int, int], names: list[str]) -> dict[str, int]:
    """A column's place stands beside a name that stands more than once."""
    return {
        names[column] if names.count(names[column]) == 1 else f"{names[column]} ({column + 1})": count
        for column, count in sorted(counts.items())
    }


def of_unreadable(row: Row, encoding: str | None) -> dict[str, Any]:
    """The raw bytes as text, in the file's encoding; in base64, too, where that has no word for some of them."""
    shown = dict(row)
    raw = shown.pop("raw")
    try:
        return {**shown, "text": raw.decode(encoding or "utf-8")}
    except UnicodeDecodeError:
        text = raw.decode(encoding or "utf-8", errors="backslashreplace")
        return {**shown, "text": text, "base64": base64.b64encode(raw).decode()}
