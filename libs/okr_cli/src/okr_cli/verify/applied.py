"""okr_raw against okr_processed: each released batch was applied, and each of its rows counted once."""

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check, dense
from okr_cli.verify.merge import outer_join
from okr_cli.verify.pairs import pairs
from okr_common.counted import counted

COUNTS = ("new", "changed", "duplicate", "unchanged", "rejected", "pending")


async def check(of: Evidence) -> list[Check]:
    """Batches, counts, and where each version came from."""
    return [await _applied(of), await _counted(of), await _versions(of), await _lineage(of)]


async def _applied(of: Evidence) -> Check:
    check = Check(
        "etl: batches applied", "every released batch was applied, in the order of its source, and none besides"
    )
    results = {(row["source"], row["position"]): row for row in await of.processed.rows("results")}
    for batch in await of.raw.rows("released"):
        result = results.pop((batch["source"], batch["position"]), None)
        where = f"{batch['source']}: batch {batch['batch_id']} at position {batch['position']}"
        check.must_be(f"{where}, result of batch", batch["batch_id"], result and result["batch_id"])
        if result:
            check.must_be(f"{where}, rows", batch["rows"], result["rows"])
    for source, position in results:
        check.find(f"{source}: position {position}", "a released batch", "a result without one")
    numbers = {row["source"]: row["numbers"] for row in await of.processed.rows("result_positions")}
    for head in await of.processed.rows("heads"):
        dense(check, f"{head['source']}: result at position", numbers.pop(head["source"], []), head["position"])
    for source in numbers:
        check.find(source, "a row in table source_head", "none")
    return check


async def _counted(of: Evidence) -> Check:
    check = Check(
        "etl: rows counted once",
        "rows = new + changed + duplicate + unchanged + rejected + pending, the rejected ones with reasons, "
        "the pending ones with the parents they wait for",
    )
    for result in await of.processed.rows("results"):
        where = f"{result['source']}: position {result['position']}"
        check.must_be(where, result["rows"], sum(result[name] for name in COUNTS))
        check.must_be(f"{where}, rejected", result["rejected"], result["found_rejected"])
        check.must_be(f"{where}, pending", result["pending"], result["found_pending"])
    for result in await of.processed.rows("version_rows_by_result"):
        where = f"{result['source']}: position {result['position']}, generation {result['generation']}"
        check.must_be(f"{where}, rows that made a version", result["counted"], result["found"])
    return check


async def _versions(of: Evidence) -> Check:
    check = Check(
        "etl: versions counted",
        "a batch made as many entity versions as it says; an entity's revisions are 1, 2, 3 without a hole",
    )
    for result in await of.processed.rows("version_counts"):
        where = f"{result['source']}: position {result['position']}, generation {result['generation']}"
        check.must_be(f"{where}, versions", result["versions"], result["found_versions"])
        check.must_be(f"{where}, outcomes", result["outcomes"], result["found_outcomes"])
    for stray in await of.processed.rows("versions_without_result"):
        check.find(
            f"{stray['source']}: position {stray['position']}",
            "a batch result",
            f"none for {counted(stray['versions'], 'version')}",
        )
    for entity in await of.processed.rows("revisions_with_holes"):
        where = f"{entity['entity']} {entity['entity_id']}"
        check.find(where, f"revisions 1 to {entity['highest']}", f"{entity['versions']} of them")
    return check


async def _lineage(of: Evidence) -> Check:
    check = Check("etl: lineage", "every entity version leads back to a raw row that is there")
    versions = pairs(of.processed.stream("version_rows"), "batch_id", "row_num")
    raw = pairs(of.raw.stream("row_numbers"), "batch_id", "row_num")
    async for (batch, row), version, found in outer_join(versions, raw):
        if version:
            check.examined += 1
            if not found:
                check.find(f"batch {batch}, row {row}", "a raw row", "none")
    return check
