"""`okr lineage`: from a prediction back to the very bytes of the file it came from."""

import asyncio
import hashlib
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
import typer
from rich.panel import Panel
from rich.text import Text
from rich.tree import Tree

from okr_cli.context import out
from okr_cli.kept import kept
from okr_cli.options import JsonOption
from okr_cli.reach import Reach, reach_of
from okr_cli.show import figure, key_in_words, percent, print_json, sure
from okr_common.counted import counted
from okr_common.errors import OkrError
from okr_common.sql import queries

SQL = queries("okr_cli")
SHOWN = 500
"""Characters of a record that are shown; some are as long as a page."""
CLOSED = {
    "replayed": "since a replay no row says it any more",
    "absent": "its source's newest full export has it no more",
    "absent_deleted": "its source's newest full export has it no more, and what was told of it went with it",
}
"""Why a key result is no more, by the code (docs/reason-codes.md)."""
FullOption = Annotated[bool, typer.Option("--full", help="Show the whole record, however long it is.")]
NameArgument = Annotated[str, typer.Argument(help="A prediction's id, or a key result's id or natural key.")]


def lineage(
    context: typer.Context, name: NameArgument, *, full: FullOption = False, as_json: JsonOption = False
) -> None:
    """Lead a prediction back: to its check-in version, its row, its file, its lines, its bytes."""
    found = asyncio.run(trace(reach_of(context), name))
    if as_json:
        print_json(found)
    else:
        out.print(picture(found, full=full))


async def trace(reach: Reach, name: str) -> dict[str, Any]:
    """The chain. Raises OkrError where no prediction has this name."""
    async with reach.database("ops") as ops:
        prediction = await _prediction(ops, name)
    async with reach.database("processed") as processed:
        entity = prediction["check_in_id"] or prediction["key_result_id"]
        version = await processed.fetchrow(SQL["version"], entity, prediction["revision"])
        closed = await processed.fetchrow(SQL["closed"], prediction["key_result_id"])
    async with reach.database("raw") as raw:
        row = await raw.fetchrow(SQL["raw_row"], prediction["batch_id"], prediction["row_num"])
    if version is None or row is None:
        raise OkrError(f"the chain of prediction {prediction['prediction_id']} is broken; `okr verify` says where")
    return {
        "prediction": _plain(prediction, "reasons", "baselines"),
        "closed": dict(closed) if closed else None,
        "version": _plain(version, "payload"),
        "row": _plain(row, "header", "cells"),
        "bytes": await asyncio.to_thread(_bytes, row),
    }


async def _prediction(ops: asyncpg.Connection, name: str) -> asyncpg.Record:
    found = await ops.fetchrow(SQL["prediction"], UUID(name)) if _is_id(name) else None
    found = found or await ops.fetchrow(SQL["newest_prediction"], name)
    if found is None:
        raise OkrError(
            f"nothing that is shown was predicted under {name} (a late prediction is only where it is the newest); "
            "`okr at-risk` and `okr_predictions` name what was"
        )
    return found


def _is_id(name: str) -> bool:
    try:
        return bool(UUID(name))
    except ValueError:
        return False


def _plain(row: asyncpg.Record, *json_fields: str) -> dict[str, Any]:
    told = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    for name in json_fields:
        told[name] = None if told[name] is None else orjson.loads(told[name])
    return told


def _bytes(row: asyncpg.Record) -> dict[str, Any]:
    """The record's bytes, if the file is still the one that was read."""
    content = kept(row["path"], row["archived_as"])
    if content is None:
        return {"text": None, "why": "the file is no longer there; the row keeps its cells"}
    if hashlib.sha256(content).digest() != bytes(row["sha256"]):
        return {"text": None, "why": "the file has changed since; the row keeps its cells"}
    piece = content[row["byte_start"] : row["byte_start"] + row["byte_len"]]
    return {"text": piece.decode(row["encoding"]), "why": None}


def picture(found: dict[str, Any], *, full: bool = False) -> Tree:
    """The chain as a tree, one step per level; of a long record the beginning, unless it is wanted in full."""
    prediction, version, row = found["prediction"], found["version"], found["row"]
    tree = Tree(Text(of_prediction(prediction, found["closed"]), style="bold"))
    step = tree.add(Text(_of_version(version)))
    step = step.add(Text(_of_row(row)))
    step = step.add(Text(_of_file(row)))
    record = (found["bytes"]["text"] or found["bytes"]["why"]).rstrip("\r\n")
    step.add(Panel(Text(record if full else beginning(record)), title="the very bytes", expand=False))
    return tree


def beginning(record: str) -> str:
    """The first characters of a record, and how many more there are."""
    if len(record) <= SHOWN:
        return record
    return f"{record[:SHOWN]}... ({counted(len(record) - SHOWN, 'character')} more: --full)"


def of_prediction(one: dict[str, Any], closed: dict[str, Any] | None) -> str:
    """In words. Of a key result that is closed nothing is predicted any more, though its last prediction was live."""
    said = "cannot be judged"
    if one["probability"] is not None:
        said = f"{percent(one['probability'])}{sure(one)}, {one['risk']} risk"
    because = "; ".join(reason["text"] for reason in one["reasons"])
    kind = f"{one['kind']} then, closed now ({closed['closed']}: {CLOSED[closed['closed']]})" if closed else one["kind"]
    return (
        f"prediction {one['prediction_id']}: {key_in_words(one['key_result'])} {said}, {kind}, "
        f"{one['model']} version {one['model_version']}, known {one['knowledge_time']:%Y-%m-%d}: {because}"
    )


def _of_version(one: dict[str, Any]) -> str:
    payload = one["payload"]
    said = (
        f" value {figure(payload.get('value'))}, target {figure(payload.get('target'))}" if "value" in payload else ""
    )
    stands = f"batch at position {one['position']}, version {one['seq']} of it"
    return f"{one['entity']} {key_in_words(payload['source_id'])}, revision {one['revision']}:{said}; {stands}"


def _of_row(row: dict[str, Any]) -> str:
    return f"raw row {row['row_num']} of batch {row['batch_id']}: {counted(len(row['cells']), 'cell')}"


def _of_file(row: dict[str, Any]) -> str:
    if row["path"] is None:
        return f"request {row['request']}"
    first, last = row["first_line"], row["last_line"]
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"{row['path']}, {lines}, bytes {row['byte_start']} to {row['byte_start'] + row['byte_len'] - 1}"
