"""Ids that anybody can derive again: uuid5 of (source, entity, the source's own id), and a hash of content."""

import hashlib
from collections.abc import Callable

import polars as pl

from okr_common.events import NAMESPACE

_NAMESPACED = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)


def entity_ids(source: str, entity: str, source_ids: pl.Series) -> pl.Series:
    """The entity's id for each source id.

    The same as `uuid5(NAMESPACE, f"{source}/{entity}/{source_id}")`, at five times its speed.
    """
    prefix = f"{source}/{entity}/"
    return _each_once(source_ids, lambda text: name_id(prefix + text))


def name_id(name: str) -> str:
    """The same as `str(uuid5(NAMESPACE, name))`."""
    digest = _NAMESPACED.copy()
    digest.update(name.encode())
    raw = bytearray(digest.digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def content_hashes(payloads: pl.Series) -> pl.Series:
    """blake2b-128 of each text, as hex."""
    return _each_once(payloads, lambda text: hashlib.blake2b(text.encode(), digest_size=16).hexdigest())


def _each_once(texts: pl.Series, make: Callable[[str], str]) -> pl.Series:
    """What is made of each text; of those that repeat, once. Polars' own replacement takes ten times their memory."""
    made: dict[str, str] = {}
    return pl.Series([made.get(text) or made.setdefault(text, make(text)) for text in texts], dtype=pl.String)
