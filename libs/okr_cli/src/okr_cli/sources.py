"""`okr sources`: what there is, and why it waits; what would become of a file, before anything of it is loaded."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from okr_cli import answers
from okr_cli.context import err, out
from okr_cli.export import opened
from okr_cli.options import JsonOption
from okr_cli.previewed import previewed
from okr_cli.reach import Reach, reach_of
from okr_cli.send import SAMPLE_BYTES, beginning
from okr_cli.show import Column, print_json, show, table
from okr_common.counted import counted
from okr_common.errors import OkrError
from okr_common.sources.draft import drafted, found_in

app = typer.Typer(
    help="Sources: what a mapping makes of a file, and a first mapping for one. Without a verb: the list of them.",
    invoke_without_command=True,
)
ROWS_LOOKED_AT = 500
HEADER_SHOWN = 40
"""Names of a header that are shown; a transposed file has as many as it tells of."""
NAMES = {"key_result": "key result", "check_in": "check-in"}
TITLE_LINES, KNOWN_COLUMNS = 6, 3
"""So many lines may stand above a header, in which so many columns at least have names that exports use."""
RECORDS = (
    Column("place", "line", right=True),
    Column("objective", "objective"),
    Column("key_result", "key result"),
    Column("target", "target"),
    Column("due_on", "due"),
    Column("as_of", "as of"),
    Column("value", "value", right=True),
    Column("outcome", "outcome"),
)
REJECTED = (Column("line", "line", right=True), Column("said", "what was read, what would be right"))
SOURCES = (
    Column("source", "source"),
    Column("batches", "batches", right=True),
    Column("rows", "rows", right=True),
    Column("rejected", "rejected", right=True),
    Column("pending", "pending", right=True),
    Column("applied_at", "applied last (UTC)", lambda at: (at or "")[:19].replace("T", " ")),
    Column("waits", "why it waits"),
)
PENDING = (Column("line", "line", right=True), Column("parent", "waits for"))
FileArgument = Annotated[Path, typer.Argument(help="A file; it is read and not kept.")]
SourceHint = Annotated[str | None, typer.Option("--source", help="Whose file it is; without it the mappings tell.")]
NameOption = Annotated[str | None, typer.Option("--source", help="What to call the source; else after the file.")]
DraftOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Write it there, whole at once, as configs/sources/NAME.yaml; never over another."
    ),
]
RowsOption = Annotated[int, typer.Option("--rows", min=1, max=1000, help="Records and rejected rows to show.")]


@app.callback()
def sources(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """What was applied of each source, and why one waits."""
    if context.invoked_subcommand is None:
        quality = reach_of(context).get("etl", "/quality").json()
        found = listed(quality)
        show("Sources", found, SOURCES, as_json=as_json)
        if not found:
            where = f"nothing was applied yet; mappings are read from {quality['folder']}"
            err.print(where, highlight=False, markup=False, soft_wrap=True)


def listed(quality: dict[str, Any]) -> list[dict[str, Any]]:
    """Each source with its counts, also one of which nothing could be applied yet."""
    waiting = {source: f"{why['reason']}: {why['detail']}" for source, why in quality["waiting"].items()}
    found = {one["source"]: one for one in quality["sources"]}
    none = dict.fromkeys(("batches", "rows", "rejected", "pending", "applied_at"))
    names = sorted({*found, *waiting})
    return [{"source": name, **none, **found.get(name, {}), "waits": waiting.get(name)} for name in names]


@app.command()
def check(
    context: typer.Context,
    file: FileArgument,
    source: SourceHint = None,
    rows: RowsOption = 5,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show, without loading: whose file it is, how it is read, its first canonical records, its rejected rows.

    A file that ends in .json is an answer of an API, as it was recorded; --source says of which.
    """
    look = answers.checked if file.suffix.lower() == ".json" else checked
    found = look(reach_of(context), file, source, rows)
    if as_json:
        print_json(found)
    else:
        _picture(found)
        if found.get("reason") == "unrecognised" and source is None:
            _how_to_begin(file)
    if found["preview"] is None:
        raise typer.Exit(1)


@app.command()
def new(context: typer.Context, file: FileArgument, source: NameOption = None, output: DraftOption = None) -> None:
    """Draft a mapping from a file's header and cells, to standard output; what nobody can tell is marked with a `?`."""
    name = source or (output.stem if output else _source_name(file))
    _may_be_written(name, output)
    header, rows = looked_at(reach_of(context), file)
    text = drafted(name, header, rows, file.name)
    with opened(output) as draft:
        draft.write(text)
    done = f"written to {output};" if output else f"save it as configs/sources/{name}.yaml,"
    then = f"okr sources check {shlex.quote(str(file))} --source {name}"
    err.print(f"{done} mend it, then: {then}", highlight=False, soft_wrap=True, markup=False)


def _may_be_written(name: str, output: Path | None) -> None:
    """Raises OkrError where a source cannot be called so, or what somebody mended would be lost."""
    sayable = _source_name(Path(f"{name}.csv"))
    if sayable != name:
        raise OkrError(f"a source is called by small letters, digits and _: {sayable}")
    if output is not None and output.name != f"{name}.yaml":
        raise OkrError(f"a source is named by its file: write {name} to {output.with_name(f'{name}.yaml')}")
    if output is not None and output.exists() and output.stat().st_size:
        raise OkrError(f"{output} is there already; draft beside it, without --output, and compare")


def looked_at(reach: Reach, file: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the first rows of a file that may belong to no source. Raises OkrError where it is no CSV.

    Lines above the header, titles that is, are known by what exports call their columns.
    """
    content, _ = beginning(file)
    best = _sampled(reach, file, content)
    lines = content.splitlines(keepends=True)
    for first in range(1, min(TITLE_LINES, len(lines) - 1)):
        if len(found_in(best[0])) >= KNOWN_COLUMNS:
            break
        try:
            below = _sampled(reach, file, b"".join(lines[first:]))
        except OkrError:
            break  # what is left is no table: the first line was the header
        if len(found_in(below[0])) >= KNOWN_COLUMNS:
            return below
    return best


def _sampled(reach: Reach, file: Path, content: bytes) -> tuple[list[str], list[list[str]]]:
    sample = reach.upload("ingest-csv", "/samples", iter([content]), len(content), name=file.name).json()
    if sample["dialect"] is None:
        raise OkrError(f"{file.name} cannot be read: {sample['reason']}: {sample['detail']}")
    return sample["dialect"]["header"], [row["cells"] for row in sample["rows"][:ROWS_LOOKED_AT]]


def _source_name(file: Path) -> str:
    """A name for the source of a file.

    >>> _source_name(Path("Team Goals 2026.csv"))
    'team_goals_2026'
    """
    made = re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_")[:60]
    return made if made[:1].isalpha() else f"source_{made}"


def checked(reach: Reach, file: Path, source: str | None, limit: int) -> dict[str, Any]:
    """What ingest-csv reads, and what etl would make of it. `preview` is None where the file would not get that far."""
    content, whole = beginning(file)
    asked = {"name": str(file.absolute()), **({"source": source} if source else {})}
    sample = reach.upload("ingest-csv", "/samples", iter([content]), len(content), **asked).json()
    rows, lines = [row["cells"] for row in sample["rows"]], [row["line"] for row in sample["rows"]]
    told = {**sample, "rows": len(rows), "whole": whole, "preview": None}
    if sample["state"] == "waiting":
        body = {"header": sample["dialect"]["header"], "rows": rows, "path": str(file.absolute())}
        told |= previewed(reach, sample["source"], body, limit)
        _number(told["preview"] or {}, lines)
    return told


def _number(preview: dict[str, Any], lines: list[int]) -> None:
    for one in (row for listed in ("records", "rejected", "pending") for row in preview.get(listed, ())):
        one["line"] = lines[one["row_num"] - 1]


def _picture(found: dict[str, Any]) -> None:
    _say(f"source      {found['source']}")
    if "next_page" in found:
        for line in answers.told(found):
            _say(line)
    else:
        _file(found)
    _problems(found)
    if found["preview"]:
        _show(found["preview"])


def _file(found: dict[str, Any]) -> None:
    dialect = found["dialect"]
    if dialect:
        _say(f"encoding    {dialect['encoding']}: {dialect['encoding_how']}")
        _say(f"delimiter   {dialect['delimiter']!r}: {dialect['delimiter_how']}")
        _say(f"header      line {dialect['header_line']}: {_names(dialect['header'])}")
    if found["reason"] and not found["problems"]:
        _say(f"would be    {found['state']}, {found['reason']}: {found['detail']}")
    # how a file is read that nobody knows is a guess; unreadable lines would only tell of a wrong one
    unreadable = [] if found["reason"] == "unrecognised" else found["unreadable"]
    for one in unreadable:
        _say(f"unreadable  line {one['line']}, {one['reason']}: {one['detail']}")
    if not found["whole"]:
        _say(f"looked at   the first {SAMPLE_BYTES:,} bytes")


def _problems(found: dict[str, Any]) -> None:
    """What is wrong with the mapping: no file is read by it, or what is read waits in etl."""
    for problem in found["problems"]:
        out.print(f"mapping     {problem}", highlight=False, markup=False, soft_wrap=True)  # file:line stays whole
    if found["problems"]:
        state = f"{found['state']}, {found['reason']}" if found.get("reason") else "read, and wait in etl"
        _say(f"would be    {state}: the mapping must be mended first")


def _how_to_begin(file: Path) -> None:
    """Says how to draft a mapping for a file that nobody knows."""
    name = _source_name(file)
    draft = f"okr sources new {shlex.quote(str(file))} -o configs/sources/{name}.yaml"
    err.print(f"draft a mapping for it: {draft}", highlight=False, soft_wrap=True, markup=False)


def _names(header: list[str]) -> str:
    """The names of a header, of a long one the first.

    >>> _names(["Goal ", "Due"])
    'Goal, Due'
    """
    shown, more = [name.strip() for name in header[:HEADER_SHOWN]], len(header) - HEADER_SHOWN
    return ", ".join([*shown, f"{more} more"] if more > 0 else shown)


def _say(text: str) -> None:
    out.print(text, highlight=False, markup=False)


def _show(preview: dict[str, Any]) -> None:
    if preview["transposed"]:
        good = counted(preview["good"], "column is in order", "columns are in order")
        _say(f"rows        {counted(preview['rows'], 'line')} of a transposed file; {good}")
    else:
        good = counted(preview["good"], "is in order", "are in order")
        _say(f"rows        {preview['rows']:,}, of which {good}")
        for line in _besides(preview):
            _say(line)
    made = ", ".join(counted(count, NAMES.get(entity, entity)) for entity, count in preview["entities"].items())
    _say(f"makes       {made}")
    for reason, count in preview["reasons"].items():
        _say(f"rejected    {count:,} for {reason}")
    if preview["waiting"]:
        _say(f"pending     {counted(preview['waiting'], 'waits', 'wait')} for a parent that the file does not hold")
    for word, count in preview["unknown"].items():
        _say(f"no status   {counted(count, 'says', 'say')} {word}, which the mapping does not know; kept all the same")
    if preview["records"]:
        columns = preview["transposed"]
        told = [
            {**_record(one), "place": f"column {one['part']}" if columns else one["line"]} for one in preview["records"]
        ]
        out.print(table("First records", told, RECORDS))
    if preview["rejected"]:
        out.print(table("First rejected rows", map(_rejected, preview["rejected"]), REJECTED))
    if preview["pending"]:
        out.print(table("First pending rows", preview["pending"], PENDING))


def _besides(preview: dict[str, Any]) -> Iterator[str]:
    """Rows that are neither in order nor wrong, so that nobody looks for a mistake in them."""
    if preview["left_out"]:
        yield f"left out    {preview['left_out']:,}, which the mapping does not mean (rows.only, or nothing to read)"
    if preview["repeated"]:
        yield f"duplicate   {counted(preview['repeated'], 'tells', 'tell')} what a chosen one tells"


def _record(one: dict[str, Any]) -> dict[str, Any]:
    key_result, check_in, outcome = one["key_result"], one["check_in"], one.get("outcome")
    return {
        "objective": one["objective"]["title"],
        "key_result": key_result["title"],
        "target": f"{key_result['direction']} {'' if key_result['target'] is None else key_result['target']}".strip(),
        "due_on": key_result["due_on"],
        "as_of": check_in["as_of"],
        "value": check_in["value"],
        "outcome": outcome["resolution"] if outcome else "",
    }


def _rejected(one: dict[str, Any]) -> dict[str, Any]:
    return {"line": one["line"], "said": "; ".join(f"{reason}: {said}" for reason, said in one["detail"].items())}
