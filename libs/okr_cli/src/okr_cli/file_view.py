"""One file as `okr files show` prints it."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from okr_common.counted import counted

STYLES = {"error": "red", "warning": "yellow", "information": "cyan"}
SHOWN = 20
"""So many unreadable records are printed; `--json` and REST have more."""


def picture(file: Mapping[str, Any]) -> Group:
    """What is known of it, section by section; a section about which there is nothing to say is left out."""
    tree = Tree(Text(f"file {file['file_id']} of {file['source']}: {file['path']}", style="bold"))
    sections = {
        "state": _state(file),
        "read as": _read_as(file),
        "rows": _rows(file),
        "found": _found(file),
        "cleaning will change": _cleaning(file),
        "history (UTC)": _history(file),
        "unreadable": _unreadable(file),
    }
    for heading, lines in sections.items():
        told = list(lines)
        if told:
            branch = tree.add(Text(heading, style="bold"))
            for line in told:
                branch.add(line)
    return Group(tree)


def _state(file: Mapping[str, Any]) -> Iterator[Text]:
    why = ": ".join(part for part in (file["reason"], file["detail"]) if part)
    yield Text(f"{file['state']}{' - ' + why if why else ''}")
    pace = file.get("pace")
    if pace:
        of = f" of {pace['expected']:,}" if pace["expected"] else ""
        speed = f", {pace['records_per_second']:,.0f} a second" if pace["records_per_second"] else ""
        left = f", {pace['seconds_left']:,.0f} s left" if pace["seconds_left"] is not None else ""
        yield Text(f"record {pace['records']:,}{of}{speed}{left}")
    if file["archived_as"]:
        yield Text(f"archived as {file['archived_as']}")
    if file["one_reader"]:
        yield Text(f"read by one reader: {file['one_reader']}")


def _read_as(file: Mapping[str, Any]) -> Iterator[Text]:
    if file["encoding"] is None:
        return
    guess = " (a guess)" if file["encoding_guessed"] else ""
    yield Text(f"encoding {file['encoding']}{guess}: {file['encoding_how']}")
    yield Text(f"delimiter {file['delimiter']!r}: {file['delimiter_how']}")
    line = f"on line {file['header_line']}" if file["header_line"] else "not in the file"
    yield Text(f"header {line}: {file['header_how']}: {', '.join(file['header'])}")


def _rows(file: Mapping[str, Any]) -> Iterator[Text]:
    rows, unreadable = counted(file["rows"], "row"), counted(file["unreadable"], "unreadable record")
    yield Text(f"{rows}, {unreadable}, {counted(file['batches'], 'batch', 'batches')}")
    if file["revert_of"] is not None:
        yield Text(f"the content of file {file['revert_of']} again: its rows have their turn once more")
    if file["known_share"] is not None:
        yield Text(f"{file['known_share']:.1%} of the rows stood in the file before, cell for cell")
    if file["gone_rows"]:
        gone = counted(file["gone_rows"], "row of that one is", "rows of that one are")
        yield Text(f"{gone} changed or gone; what a row said that is gone stays")


def _found(file: Mapping[str, Any]) -> Iterator[Text]:
    for one in file["findings"]:
        column = f" in {one['column']}" if one["column"] else ""
        yield Text(f"{one['kind']}{column}: {one['detail']}", style=STYLES[one["severity"]])


def _cleaning(file: Mapping[str, Any]) -> Iterator[Text]:
    for rule, columns in file["cells_to_clean"].items():
        yield Text(f"{rule}: " + ", ".join(f"{name} {count:,}" for name, count in columns.items()))


def _history(file: Mapping[str, Any]) -> Iterator[Text]:
    for one in file["history"]:
        why = f" ({one['reason']})" if one["reason"] else ""
        yield Text(f"{one['at'][:23]} {one['state']}{why}")


def _unreadable(file: Mapping[str, Any]) -> Iterator[Text]:
    for one in file["unreadable_list"][:SHOWN]:
        yield Text(f"line {one['first_line']}: {one['reason']}: {one['detail']}: {one['text'][:120]!r}")
    if file["unreadable"] > SHOWN:
        yield Text(f"... {file['unreadable'] - SHOWN:,} more")
