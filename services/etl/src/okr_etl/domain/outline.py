"""Rows that are indented below others: each has cells of the nearest row above it that is indented less.

The rows that those to come may stand below are a stack, the outermost first, each indented more than the one before.
"""

from collections.abc import Iterator, Sequence

import orjson
import polars as pl

from okr_etl.domain.filling import Above

INDENT = "row:indent"
"""How many blanks stand before the text; null where there is no text."""
STACK = "row:stack"
"""Under this name the stack stands beside the texts that are filled down, as JSON."""
Stack = list[tuple[int, list[str | None]]]
"""Of each row how far it is indented, and its cells."""


def indent(cell: pl.Expr) -> pl.Expr:
    r"""How far a cell as it was read is indented.

    >>> pl.DataFrame({"cell": ["a", "  b", "\u00a0\tc", "  ", None]}).select(indent(pl.col("cell")))["cell"].to_list()
    [0, 2, 2, None, None]
    """
    return cell.str.extract(r"^(\s*)\S").str.len_chars().cast(pl.Int64)


def placed(rows: pl.DataFrame, names: Sequence[str], above: Above) -> tuple[pl.DataFrame, Above]:
    """The rows with these cells of the row they stand below; and what stands above the rows after them."""
    if not names:
        return rows, above
    stack = _stack(above)
    cells = rows.select(INDENT, *names).iter_rows()
    found = list(_above(cells, len(names), stack))
    taken = pl.DataFrame(found, schema=dict.fromkeys(names, pl.String), orient="row")
    return rows.with_columns(taken.get_columns()), {**above, STACK: orjson.dumps(stack).decode()}


def _above(
    rows: Iterator[tuple[int | None, *tuple[str | None, ...]]], width: int, stack: Stack
) -> Iterator[list[str | None]]:
    """Of each row the cells of the row above it; changes the stack."""
    for deep, *cells in rows:
        if deep is None:
            yield [None] * width
            continue
        while stack and stack[-1][0] >= deep:
            stack.pop()
        yield stack[-1][1] if stack else [None] * width
        stack.append((deep, cells))


def joined(before: Above, after: Above) -> Above:
    """What stands above the rows after two parts, of which each was read alone.

    >>> joined({STACK: '[[0,["A"]],[2,["B"]]]'}, {STACK: '[[2,["C"]],[4,["D"]]]'})[STACK]
    '[[0,["A"]],[2,["C"]],[4,["D"]]]'
    """
    both, late = {**before, **after}, _stack(after)
    early = [row for row in _stack(before) if not late or row[0] < late[0][0]]
    return {**both, STACK: orjson.dumps([*early, *late]).decode()} if STACK in both else both


def is_whole(above: Above) -> bool:
    """Whether no row before can stand above anything any more: the outermost is not indented at all."""
    return any(deep == 0 for deep, _ in _stack(above))


def _stack(above: Above) -> Stack:
    return [(deep, cells) for deep, cells in orjson.loads(above.get(STACK, "[]"))]
