"""An evaluation as one page that opens anywhere, without a network and without scripts."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from okr_cli.evaluate.measures import LEGEND, verdicts
from okr_cli.evaluate.pictures import Picture, pictures
from okr_cli.evaluate.tables import Grid, by_group, by_measure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
caption { text-align: left; font-weight: bold }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ddd }
td { white-space: pre }
th:first-child, td:first-child { text-align: left }
figure { margin: 2rem 0 } figcaption, .note { color: #555 }
svg { width: 100%; max-width: 48rem; font: 11px system-ui, sans-serif }
"""


def page(title: str, said: Mapping[str, Any]) -> str:
    """The whole file."""
    body = [f"<h1>{escape(title)}</h1>", _paragraph(about(said)), _list(verdicts(said))]
    body += [_table(by_measure(said)), f'<p class="note">{escape(LEGEND)}</p>', _table(by_group(said))]
    body += [_figure(one) for one in pictures(said)]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def about(said: Mapping[str, Any]) -> str:
    """Of what this is the evaluation; where not of all, of how many the newest were taken."""
    overall, window = said["all"], said["window"]
    which = f" (the newest of {window['of']:,})" if window["n"] < window["of"] else ""
    return (
        f"{overall['n']:,} predictions{which} of {overall['key_results']:,} key results, {overall['achieved']:,} of "
        "the predictions about one that was achieved. Each was made before its outcome was known."
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in sentences) + "</ul>"


def _table(grid: Grid) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in grid.headings)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in grid.rows)
    return f"<table><caption>{escape(grid.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _figure(one: Picture) -> str:
    drawn = one.svg or "<p>There are too few outcomes to draw it.</p>"
    return f"<figure><h2>{escape(one.title)}</h2>{drawn}<figcaption>{escape(one.caption)}</figcaption></figure>"
