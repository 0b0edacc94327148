"""The rows above other rows in a tree: what they say, and which rows wait for one that has not come yet.

A row is known as a parent from the batch that brings it on, whatever else becomes of it. Of several rows of a file with
one key the first counts, wherever the file is cut; what a later file says of the key replaces it.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf

import polars as pl

from okr_common.sources import Mapping, ParentBlock
from okr_etl.domain import columns
from okr_etl.domain.cells import CHAIN, MISSING, READ, ROW

TOLD_SCHEMA = {"key": pl.String(), "above": pl.String(), "columns": pl.String()}
"""Of each key the row's own parent, and the texts that others have from it, as a JSON object."""
KNOWN_SCHEMA = {**TOLD_SCHEMA, "first": pl.Boolean()}
"""What earlier batches told; `first` where that counts before what the batch itself says."""
PENDING_SCHEMA = {ROW: pl.Int64(), "parent": pl.String()}
NONE_TOLD = pl.DataFrame(schema=TOLD_SCHEMA)
NONE_KNOWN = pl.DataFrame(schema=KNOWN_SCHEMA)
NONE_PENDING = pl.DataFrame(schema=PENDING_SCHEMA)
CHAIN_SHOWN = 10
"""Keys of a cycle that its reason names."""
_KEY, _FOUND = "parent:key", "parent:found"


def placed(rows: pl.DataFrame, mapping: Mapping, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with what they have from their parents, and what they tell as parents themselves.

    `parent:missing` is the key of a parent that is nowhere to be found, `parent:chain` the cycle that a row is part of.
    """
    parent = mapping.rows.parent
    if parent is None:
        return rows, NONE_TOLD
    told = _told(rows, parent).join(known.filter("first"), on="key", how="anti")
    both = pl.concat(
        [known.filter("first"), told.with_columns(first=pl.lit(value=False)), known.filter(~pl.col("first"))]
    )
    above = both.unique("key", keep="first", maintain_order=True)
    chains = dict(_chains(dict(above.drop_nulls("above").select("key", "above").iter_rows())))
    joined = rows.with_columns(_named(parent).alias(_KEY)).join(
        _typed(above, mapping, parent), on=_KEY, how="left", maintain_order="left"
    )
    return joined.with_columns(_missing(), _chain(parent, chains)).drop(_KEY, _FOUND), told


def waiting(rows: pl.DataFrame, rejected: Iterable[int]) -> pl.DataFrame:
    """Of these rows, those that wait for a parent and are not rejected for something else, with its key."""
    if MISSING not in rows.columns:
        return NONE_PENDING
    found = rows.filter(pl.col(MISSING).is_not_null() & ~pl.col(ROW).is_in(list(rejected)))
    return found.select(ROW, pl.col(MISSING).alias("parent")).unique(ROW, keep="first", maintain_order=True)


def sought(told: pl.DataFrame, pending: pl.DataFrame) -> list[str]:
    """The keys that a batch names and does not bring."""
    named = pl.concat([told["above"], pending["parent"]]).drop_nulls().unique()
    return named.filter(~named.is_in(told["key"].implode())).sort().to_list()


def for_waiting(told: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What rows that waited have to know: what the batch that ends it tells, and what was known before."""
    both = pl.concat([told.select(*TOLD_SCHEMA), known.select(*TOLD_SCHEMA)])
    return both.unique("key", keep="first", maintain_order=True).with_columns(first=pl.lit(value=True))


def _told(rows: pl.DataFrame, parent: ParentBlock) -> pl.DataFrame:
    texts = [pl.col(READ + name).alias(name) for name in dict.fromkeys(parent.columns.values())]
    first = rows.filter(pl.col(parent.key).is_not_null()).unique(parent.key, keep="first", maintain_order=True)
    return first.select(
        pl.col(parent.key).alias("key"),
        _named(parent).alias("above"),
        pl.struct(texts).struct.json_encode().alias("columns"),
    )


def _named(parent: ParentBlock) -> pl.Expr:
    key = first_line(pl.col(parent.of)) if parent.of else dotted_parent(pl.col(parent.key))
    return pl.when(key != "").then(key)


def _typed(above: pl.DataFrame, mapping: Mapping, parent: ParentBlock) -> pl.DataFrame:
    names = list(dict.fromkeys(parent.columns.values()))
    said = pl.col("columns").str.json_decode(pl.Struct(dict.fromkeys(names, pl.String)))
    texts = above.select("key", *(said.struct.field(name).alias(READ + name) for name in names))
    typed = texts.with_columns(columns.value(name, mapping.columns[name]) for name in names)
    taken = [pl.col(of).alias(here) for here, of in parent.columns.items()]
    return typed.select(pl.col("key").alias(_KEY), *taken, pl.lit(value=True).alias(_FOUND))


def _missing() -> pl.Expr:
    return pl.when(pl.col(_FOUND).is_null()).then(_KEY).alias(MISSING)


def _chain(parent: ParentBlock, chains: MappingOf[str, str]) -> pl.Expr:
    if not chains:
        return pl.lit(None, pl.String).alias(CHAIN)
    return pl.col(parent.key).replace_strict(chains, default=None, return_dtype=pl.String).alias(CHAIN)


def _chains(above: MappingOf[str, str]) -> Iterator[tuple[str, str]]:
    """Of each key that stands above itself: the way there.

    >>> dict(_chains({"a": "b", "b": "a", "c": "a", "d": "d", "e": "f"}))
    {'a': 'a below b below a', 'b': 'b below a below b', 'd': 'd below d'}
    """
    seen: dict[str, str] = {}
    for start in above:
        key = start
        while key in above and key not in seen:
            seen[key] = start
            key = above[key]
        if seen.get(key) == start:
            ring = _ring(above, key)
            yield from ((one, _told_of(ring, place)) for place, one in enumerate(ring))


def _ring(above: MappingOf[str, str], key: str) -> list[str]:
    ring = [key]
    while (following := above[ring[-1]]) != key:
        ring.append(following)
    return ring


def _told_of(ring: list[str], place: int) -> str:
    way = [*ring[place:], *ring[:place], ring[place]]
    shown = way if len(way) <= CHAIN_SHOWN else [*way[: CHAIN_SHOWN - 2], "...", way[-1]]
    return " below ".join(shown)


def first_line(text: pl.Expr) -> pl.Expr:
    """Of several keys on lines of their own the first."""
    return text.cast(pl.String).str.split("\n").list.first().str.strip_chars()


def dotted_parent(key: pl.Expr) -> pl.Expr:
    """Of 1.2.3 it is 1.2; a key without a dot has none.

    >>> pl.DataFrame({"key": ["1.2.3", "1.2", "1", None]}).select(dotted_parent(pl.col("key")))["key"].to_list()
    ['1.2', '1', None, None]
    """
    return key.str.extract(r"^(.*)\.[^.]*$")
