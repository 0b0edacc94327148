"""API sources: requests against their batches, and every raw row against okr_raw_records."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import asyncpg
import orjson

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check, dense
from okr_cli.verify.published import MARGIN, clashes
from okr_cli.verify.topics import Fact, Logs, digest
from okr_common import topics
from okr_common.events import event_id
from okr_common.records import RawRecord


async def check(of: Evidence) -> list[Check]:
    """What okr_raw alone can tell of its API sources."""
    return [await _requests(of), await _objects(of)]


async def told(of: Evidence, logs: Logs) -> list[Check]:
    """What was sent of them."""
    check = Check(
        "topics: raw records",
        "every raw row of an API within the retention was sent under exactly one id, as it stands; nothing else was",
    )
    kept = timedelta(milliseconds=topics.RAW_RECORDS.retention_ms or 0) - MARGIN
    unseen = dict(logs.raw.facts)
    async for row in of.raw.stream("api_rows"):
        subject = f"batch/{row['batch_id']}/{row['row_num']}"
        fact = unseen.pop(subject, None)
        if fact is not None or (row["released_at"] and row["released_at"] > datetime.now(UTC) - kept):
            check.examined += 1
            _compare(check, subject, row, fact)
    for subject, fact in unseen.items():
        check.find(f"{subject} at {fact.where}", "a row in raw_row", "none")
    clashes(check, logs.raw)
    return [check]


async def _requests(of: Evidence) -> Check:
    check = Check("raw: API requests", "a request has as many rows and new unreadable records as its released batches")
    for request in await of.raw.rows("api_requests"):
        where = f"{request['source']}: request {request['request']}"
        check.must_be(f"{where}, rows", request["rows"], request["batch_rows"])
        check.must_be(f"{where}, unreadable", request["unreadable"], request["batch_unreadable"])
        check.must_be(f"{where}, batches not released", 0, request["unreleased"])
        dense(check, f"{where}, batch", request["numbers"], request["batches"])
    for batch in await of.raw.rows("requestless_batches"):
        check.find(f"batch {batch['batch_id']} of {batch['source']}", f"a request {batch['request']}", "none")
    return check


async def _objects(of: Evidence) -> Check:
    check = Check("raw: API objects", "the last known look of an object is the row it names, and each row's own hash")
    for known in await of.raw.rows("api_objects"):
        where = f"{known['source']}: object {known['object_id']}, row {known['batch_id']}/{known['row_num']}"
        check.must_be(where, known["row_hash"], known["found_hash"])
    async for row in of.raw.stream("api_rows"):
        hashed = blake2b(row["cells"].encode(), digest_size=16).digest()
        check.must_be(f"{row['source']}: row {row['batch_id']}/{row['row_num']}", hashed, bytes(row["row_hash"]))
    return check


def _compare(check: Check, subject: str, row: asyncpg.Record, fact: Fact | None) -> None:
    expected = str(event_id(RawRecord.ce_type, subject))
    if fact is None:
        check.find(subject, "sent once or more", "never sent")
    elif fact.ce_id != expected:
        check.find(f"{subject} at {fact.where}", f"id {expected}", f"id {fact.ce_id}")
    elif fact.digest != digest(_content(row)):
        check.find(f"{subject} at {fact.where}", "what the table says", "another content")


def _content(row: asyncpg.Record) -> dict[str, object]:
    fits = len(row["cells"].encode()) <= RawRecord.cells_bytes
    content = {name: row[name] for name in ("source", "request", "batch_id", "row_num")}
    return {**content, "cells": orjson.loads(row["cells"]) if fits else None}
