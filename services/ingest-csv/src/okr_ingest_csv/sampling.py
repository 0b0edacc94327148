"""A file's beginning read as a file would be, and nothing of it kept: what `okr sources check` shows."""

import io
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request

from okr_common.sources import SourceProblem, Sources, SourcesFolder
from okr_ingest_csv.domain.content import Inspection
from okr_ingest_csv.domain.discovery import Look
from okr_ingest_csv.domain.record import Shape, Unreadable
from okr_ingest_csv.domain.records import read_records
from okr_ingest_csv.domain.verdict import Candidate, Limits, judge

SAMPLE_BYTES = 16_777_216
UNREADABLE_SHOWN = 20
Name = Annotated[str, Query(description="what the file is called")]
Source = Annotated[str | None, Query(description="whose file it is; without it the mappings recognise the file")]


def sampled(name: str, content: bytes, sources: Sources, hint: str | None, limits: Limits) -> dict[str, Any]:
    """How these bytes are read: the verdict, the dialect with how each part was found, rows, unreadable records.

    `problems` are of the mapping of its source, where a hint or a folder names that.
    """
    inspection = Inspection()
    inspection.feed(content)
    candidate = judge(name, Look(len(content), 0, 0), inspection, sources, hint=hint, limits=limits)
    verdict = {name: getattr(candidate, name) for name in ("source", "state", "reason", "detail")}
    told = {**verdict, **_in_the_way(sources.in_the_way(name, hint))}
    return {**told, "dialect": None, "rows": [], "unreadable": [], **_read(content, candidate)}


def _in_the_way(problems: Sequence[SourceProblem]) -> dict[str, Any]:
    """Whose file it is would be hidden by a mapping that cannot be read."""
    named = {"source": problems[0].source} if problems else {}
    return {**named, "problems": [str(problem) for problem in problems]}


def _read(content: bytes, candidate: Candidate) -> dict[str, Any]:
    dialect = candidate.dialect
    if dialect is None:
        return {}
    shape = Shape(dialect.encoding.name, dialect.delimiter, len(dialect.header), candidate.repair)
    records = list(read_records(io.BytesIO(content[dialect.start.byte :]), shape, dialect.start))
    unreadable = [one for one in records if isinstance(one, Unreadable)]
    return {
        "dialect": {
            "encoding": dialect.encoding.name,
            "encoding_how": dialect.encoding.how,
            "delimiter": dialect.delimiter,
            "delimiter_how": dialect.delimiter_how,
            "header": dialect.header,
            "header_line": dialect.header_line,
            "header_how": dialect.header_how,
        },
        "rows": [{"line": one[1], "cells": one[0]} for one in records if not isinstance(one, Unreadable)],
        "unreadable": [
            {"line": one.first_line, "reason": one.reason, "detail": one.detail}
            for one in unreadable[:UNREADABLE_SHOWN]
        ],
        "unreadable_records": len(unreadable),
    }


def router(sources: SourcesFolder, limits: Limits) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["files"])

    @routes.post("/samples")
    async def sample(request: Request, name: Name, source: Source = None) -> dict[str, Any]:
        """Send the beginning of a file, up to 16 MiB, cut at a line end: how it would be read. Nothing is kept."""
        content = await _body(request)
        return sampled(name, content, sources.current(), source, limits)

    return routes


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > SAMPLE_BYTES:
            raise HTTPException(413, f"a sample has at most {SAMPLE_BYTES:,} bytes; send the file's beginning")
    return bytes(content)
