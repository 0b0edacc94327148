"""okr_raw against itself: dense numbers, and every batch and file as big as it says."""

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check, dense
from okr_common.counted import counted


async def check(of: Evidence) -> list[Check]:
    """Everything that okr_raw alone can tell."""
    return [await _numbers(of), await _batches(of), await _files(of)]


async def _numbers(of: Evidence) -> Check:
    check = Check("raw: numbers", "files and released batches of a source are numbered 1, 2, 3 without a hole")
    sequences = {row["source"]: row["numbers"] for row in await of.raw.rows("file_sequences")}
    positions = {row["source"]: row["numbers"] for row in await of.raw.rows("batch_positions")}
    for source in await of.raw.rows("sources"):
        name = source["name"]
        dense(check, f"{name}: file", sequences.pop(name, []), source["sequences"])
        dense(check, f"{name}: batch at position", positions.pop(name, []), source["positions"])
    for name in {*sequences, *positions}:
        check.find(name, "a row in table source", "none")
    return check


async def _batches(of: Evidence) -> Check:
    check = Check(
        "raw: batches", "a batch holds as many rows and unreadable records as it says, numbered within its own stretch"
    )
    for batch in await of.raw.rows("batches"):
        where = f"{batch['source']}: batch {batch['batch_id']}"
        check.must_be(f"{where}, rows", batch["rows"], batch["found_rows"])
        check.must_be(f"{where}, unreadable", batch["unreadable"], batch["found_unreadable"])
        if batch["found_rows"]:
            last = batch["first_row"] + batch["rows"] + batch["unreadable"] - 1
            within = batch["first_row"] <= batch["lowest"] <= batch["highest"] <= last
            check.must_be(f"{where}, its rows' numbers between {batch['first_row']} and {last}", True, within)
    for orphan in await of.raw.rows("orphans"):
        check.find(
            f"{orphan['kind']} of batch {orphan['batch_id']}", "a batch", f"none for {counted(orphan['rows'], 'row')}"
        )
    return check


async def _files(of: Evidence) -> Check:
    check = Check("raw: files", "a file that is done has all its rows in released batches")
    for file in await of.raw.rows("files"):
        if file["state"] != "done":
            continue
        where = f"file {file['file_id']} ({file['path']})"
        check.must_be(f"{where}, rows", file["rows"], file["batch_rows"])
        check.must_be(f"{where}, unreadable", file["unreadable"], file["batch_unreadable"])
        check.must_be(f"{where}, batches", file["batches"], file["found_batches"])
        check.must_be(f"{where}, batches not released", 0, file["unreleased"])
        dense(check, f"{where}, batch", file["numbers"], file["found_batches"])
    return check
