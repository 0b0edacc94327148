"""okr_processed and okr_curated against entity_version: what is current is the newest version, under one key."""

from typing import Any
from uuid import uuid5

import orjson

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check
from okr_cli.verify.merge import outer_join
from okr_cli.verify.pairs import pairs
from okr_common.events import NAMESPACE

CURRENT = ("current_objectives", "current_key_results", "current_check_ins", "current_outcomes")


async def check(of: Evidence) -> list[Check]:
    """Keys, current rows, revisions, documents."""
    return [await _keys(of), await _current(of), await _revisions(of), await _held(of), await _documents(of)]


async def _keys(of: Evidence) -> Check:
    check = Check("etl: keys", "no natural key stands twice, and every id is the one its key gives")
    seen: set[tuple[str, str, str]] = set()
    async for row in of.processed.stream("keys"):
        key = (row["source"], row["entity"], row["source_id"])
        check.must_be(" ".join(key), uuid5(NAMESPACE, "/".join(key)), row["entity_id"])
        if key in seen:
            check.find(" ".join(key), "once", "twice")
        seen.add(key)
    return check


async def _current(of: Evidence) -> Check:
    check = Check(
        "etl: current rows", "every objective, key result, check-in and outcome says what its newest version says"
    )
    check.examined = int(str(await of.processed.value("entities")))
    for query in CURRENT:
        for row in await of.processed.rows(query):
            expected, found = differing(orjson.loads(row["expected"]), orjson.loads(row["found"]))
            check.find(f"{query.removeprefix('current_')} {row['entity_id']}", expected, found)
    return check


def differing(expected: dict[str, Any], found: dict[str, Any]) -> tuple[dict[str, Any] | str, dict[str, Any] | str]:
    """Only the fields that differ; a side without a revision has no row at all.

    >>> differing({"revision": 1, "value": 2}, {"revision": 1, "value": 3})
    ({'value': 2}, {'value': 3})
    >>> differing({"revision": 1}, {"revision": None})
    ('a row', 'none')
    """
    if found["revision"] is None:
        return "a row", "none"
    if expected["revision"] is None:
        return "a version", "none"
    names = [name for name in expected if expected[name] != found[name]]
    return {name: expected[name] for name in names}, {name: found[name] for name in names}


async def _revisions(of: Evidence) -> Check:
    check = Check(
        "etl: targets and due dates",
        "every version of a key result has its row in key_result_revision, saying the same",
    )
    for row in await of.processed.rows("key_result_revisions"):
        found = "the same" if row["agrees"] else "another" if row["is_there"] and row["is_version"] else "one side only"
        check.must_be(f"key result {row['entity_id']}, revision {row['revision']}", "the same", found)
    return check


async def _held(of: Evidence) -> Check:
    check = Check(
        "etl: held versions", "what later rows are compared with are the published versions and the late ones"
    )
    check.examined = int(str(await of.processed.value("held")))
    for row in await of.processed.rows("held_astray"):
        expected, found = ("a version", "only held") if row["is_held"] else ("held", "only a version")
        check.find(f"{row['entity_id']}@{row['revision']}", expected, found)
    for row in await of.processed.rows("held_with_holes"):
        check.find(row["entity_id"], f"numbers {row['lowest']} to {row['highest']}", f"{row['versions']} of them")
    return check


async def _documents(of: Evidence) -> Check:
    check = Check(
        "etl: documents", "every objective and key result has a document or is due one, and no document is of nothing"
    )
    known = pairs(of.processed.stream("documented"), "entity_id")
    documents = pairs(of.curated.stream("document_ids"), "entity_id")
    async for (entity_id,), entity, document in outer_join(known, documents):
        check.examined += 1
        if entity is None:
            check.find(f"document {entity_id}", "an objective or key result", "none")
        elif document is None and not entity["due"]:
            check.find(f"{entity['entity']} {entity_id}", "a document", "none, and none is due")
    return check
