"""Values that stand in the first row of a group only, as spreadsheets have merged cells: the rows below have them, too.

What stands above a part of a file is all that the part has to know of the rows before it, so it may be cut anywhere.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

import polars as pl

Above = MappingOf[str, str]
"""Of the columns that are filled, the last text that is not blank; one that had none so far is not there."""


def filled(rows: pl.DataFrame, names: Sequence[str], above: Above, own: Sequence[pl.Expr]) -> pl.DataFrame:
    """The rows, in the order of the file, with the blank cells of these columns filled.

    A row that is blank in all that it says itself (`own`) stays blank.

    >>> rows = pl.DataFrame({"goal": [None, "B", None, None], "kr": ["1", "2", None, "4"]})
    >>> filled(rows, ["goal"], {"goal": "A"}, [pl.col("goal"), pl.col("kr")])["goal"].to_list()
    ['A', 'B', None, 'B']
    """
    if not names:
        return rows
    says = pl.any_horizontal(cell.is_not_null() for cell in own)
    return rows.with_columns(
        pl.when(says).then(pl.coalesce(pl.col(name).forward_fill(), pl.lit(above.get(name), pl.String))).alias(name)
        for name in names
    )


def below(rows: pl.DataFrame, names: Sequence[str], above: Above) -> Above:
    """What stands above the rows that come after these.

    >>> below(pl.DataFrame({"goal": ["A", "B", None]}), ["goal"], {"team": "T"})
    {'team': 'T', 'goal': 'B'}
    """
    last = rows.select(pl.col(name).drop_nulls().last() for name in names).row(0, named=True) if names else {}
    return {**above, **{name: text for name, text in last.items() if text is not None}}
