"""What a column of text holds beside words, as its header and its cells suggest it: markup, lists, people."""

import re
from collections.abc import Sequence

_EMAIL = re.compile(r"[^\s@;,]+@[^\s@;,]+\.[^\s@;,]+")
_PARTS = re.compile(r"[;,\n]")
_LISTS = re.compile(r"(?i)\b(?:owners?|assignees?|e-?mails?|tags?|labels?|categor(?:y|ies)|teams?|departments?)\b")
_HTML = re.compile(r"(?i)</?(?:p|br|div|span|b|i|a|ul|ol|li|strong|em)(?:\s[^<>]*)?/?>|&(?:amp|nbsp|lt|gt|quot|#\d+);")
_MENTION = re.compile(r"<@\w|@\[\w|\[~\w")
_HIDDEN = "? a hash instead of who it is (docs/adding-a-source.md, People); without `person` everybody sees it"
_SEPARATORS = {"\n": "\\n", ";": ";", ",": ","}
"""As a cell has it, as YAML writes it."""


def text_column(header: str, cells: Sequence[str]) -> str:
    """How the column is to be read.

    >>> text_column("Owner emails", ["ada@example.com; bob@example.com"])
    'type: text, separator: ";", person: true'
    """
    people = holds_people(header, cells)
    return "type: text" + _markup(cells) + _separator(header, cells, people) + (", person: true" if people else "")


def _markup(cells: Sequence[str]) -> str:
    if any(map(_HTML.search, cells)):
        return ", markup: html"
    return ", markup: mentions" if any(map(_MENTION.search, cells)) else ""


def _separator(header: str, cells: Sequence[str], people: bool) -> str:  # noqa: FBT001 - private
    if not people and not _LISTS.search(header.replace("_", " ")):
        return ""
    found = (written for mark, written in _SEPARATORS.items() if any(mark in cell for cell in cells))
    return next((f', separator: "{written}"' for written in found), "")


def holds_people(header: str, cells: Sequence[str]) -> bool:
    """Whether its cells are e-mail addresses, or would be if there were any."""
    parts = [part.strip() for cell in cells for part in _PARTS.split(cell) if part.strip()]
    return all(map(_EMAIL.fullmatch, parts)) if parts else "email" in re.sub(r"\W", "", header.lower())


def example(header: str, cells: Sequence[str]) -> str:
    """A cell of it, unless that would show a person."""
    if holds_people(header, cells):
        return _HIDDEN
    return f"for example {' '.join(cells[0].split())[:40]}" if cells else "blank in all rows looked at"
