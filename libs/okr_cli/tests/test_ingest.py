"""`okr ingest` as a person types it, on real service processes."""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from okr_cli.lineage import trace
from okr_cli.testing import Flow, Published
from okr_cli.verify.oracle import look

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


def ingest(flow: Flow, *arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
    """As `okr` does; see there."""
    return okr_(flow, "ingest", *arguments, stdin=stdin)


def okr_(flow: Flow, *arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, what it printed, what it complained of; words as they stand, whatever the width."""
    okr = [str(Path(sys.executable).with_name("okr")), "--state", str(flow.stack.stack.state.folder)]
    done = subprocess.run([*okr, *map(str, arguments)], input=stdin, capture_output=True, check=False, timeout=120)
    return done.returncode, " ".join(done.stdout.decode().split()), " ".join(done.stderr.decode().split())


async def test_files_are_sent_waited_for_and_known_again(flow: Flow, published: Published, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_bytes(published.encoded(published.rows[:40]))
    second.write_bytes(published.encoded(published.rows[:60]))
    with flow.stack.supervised(["ingest-csv", "etl", "trainer"]):
        code, told, complaints = ingest(flow, first, second, "--wait", "--within", 100)
        again = ingest(flow, second, "--wait")
    assert (code, complaints) == (0, "")
    assert re.match(r"first.csv: file 1 of mta_nyct, \w+ second.csv: file 2 of mta_nyct, \w+", told)
    assert "2 of 2 files read, 100 of 100 rows applied" in told
    assert again[0] == 0
    assert again[1].startswith("second.csv: already there as file 2 of mta_nyct, done 1 of 1 file read")


VIVA = "Row ID,Title,Parent,Entity,Owner Email,Time Period,Start Date,Due Date,Start Value,Target,Current,Status"
CHILD = "{0},100% of team {0},{1},Growth,,Q1 2026,2026-01-01,2026-03-31,1,4,2,On Track"
PARENT = "{0},Grow,,Company,,Q1 2026,2026-01-01,2026-03-31,,,,On Track"


async def test_what_waits_for_a_parent_is_told_and_not_waited_for(flow: Flow, tmp_path: Path) -> None:
    children, later = tmp_path / "children.csv", tmp_path / "later.csv"
    children.write_text("\n".join([VIVA, CHILD.format(2, 1), CHILD.format(3, 1), CHILD.format(4, 9), ""]))
    later.write_text("\n".join([VIVA, PARENT.format(1), CHILD.format(5, 1), ""]))
    with flow.stack.supervised(["ingest-csv", "etl", "trainer"]):
        code, told, complaints = ingest(flow, children, "--wait", "--within", 60)
        after = ingest(flow, later, "--wait", "--within", 60)
        again = ingest(flow, children, "--wait", "--within", 60)
    traced = okr_(flow, "lineage", "Grow/100% of team 5/Q1 2026")
    assert traced[0] == 0
    assert "Grow/100% of team 5/Q1 2026 " in traced[1]
    assert "%25" not in traced[1]
    assert (code, complaints) == (0, "")
    assert told.endswith(
        "1 of 1 file read, 3 of 3 rows applied, 0 of 0 predictions made "
        "3 rows wait for their parents: okr pending --source viva_goals"
    )
    assert after[0] == 0
    assert after[1].endswith("1 of 1 file read, 2 of 2 rows applied, 2 of 2 predictions made")
    assert again[1].endswith("1 row waits for its parent: okr pending --source viva_goals")


async def test_the_bytes_of_an_archived_file_are_found(flow: Flow, published: Published, tmp_path: Path) -> None:
    (tmp_path / "goals.csv").write_bytes(published.encoded(published.rows[:40]))
    archive = {"AFTER": "gzip", "FOLDER": str(tmp_path / "archive")}
    env = {f"OKR_INGEST_CSV__ARCHIVE__{name}": value for name, value in archive.items()}
    with flow.stack.supervised(["ingest-csv", "etl", "trainer"], {**env, "OKR_INGEST_CSV__RESCAN_SECONDS": "0.5"}):
        assert ingest(flow, tmp_path / "goals.csv", "--wait")[0] == 0
        await flow.until("raw", "select count(*) from file where archived_as is not null", 1)
        await flow.predicted(40)
        prediction = await flow.ask("ops", "select prediction_id from prediction where check_in_id is not null limit 1")
        traced = await trace(flow.reach, str(prediction))
        report = await look(flow.reach)
        (left,) = flow.stack.uploads.iterdir()
    assert list(left.iterdir()) == []
    assert traced["bytes"]["why"] is None
    assert traced["row"]["cells"][0] in traced["bytes"]["text"]
    assert {check.name: check.examined for check in report.checks}["raw: files still there"] == 1
    assert [finding for check in report.checks for finding in check.findings] == []


async def test_what_is_refused_is_told_with_what_to_do_and_the_others_are_sent(
    flow: Flow, published: Published, tmp_path: Path
) -> None:
    good, strange, text = tmp_path / "good.csv", tmp_path / "strange.csv", tmp_path / "notes.txt"
    good.write_bytes(published.encoded(published.rows[:5]))
    strange.write_text("shop,price\nA,1\n")
    text.write_text("x")
    with flow.stack.supervised(["ingest-csv"], {"OKR_INGEST_CSV__MAX_UPLOAD_BYTES": "100000"}):
        no_text = tmp_path / "\udcff.csv"
        no_text.write_bytes(b"a,b\n1,2\n")
        code, told, complaints = ingest(flow, tmp_path / "missing.csv", tmp_path, no_text, strange, text, good)
        named = ingest(flow, good, "--source", "mta_nycd")
        piped = ingest(flow, "-", "--name", "piped.csv", stdin=published.encoded(published.rows[:6]))
        unnamed = ingest(flow, "-")
        (tmp_path / "large.csv").write_bytes(b"x" * 100_001)
        large = ingest(flow, tmp_path / "large.csv")
    assert (code, told.rpartition(" ")[0]) == (1, "good.csv: file 2 of mta_nyct,"), "waiting, or further"
    assert "missing.csv: there is no such file" in complaints
    assert f"{tmp_path}: it is a folder" in complaints
    assert r"\udcff.csv: bad_name: " in complaints
    assert "strange.csv: file 1 of unrecognised, failed: unrecognised: " in complaints
    assert "notes.txt: ingest-csv answered 422" in complaints
    assert (named[0], "did you mean mta_nyct?" in named[2]) == (1, True)
    assert (piped[0], piped[1].rpartition(" ")[0]) == (0, "piped.csv: file 3 of mta_nyct,")
    assert (unnamed[0], "--name goals.csv" in unnamed[2]) == (1, True)
    assert (large[0], "an upload may have 100,000 (ingest_csv.max_upload_bytes)" in large[2]) == (1, True)


async def test_a_first_file_of_which_nothing_fits_is_no_fault_of_the_pipeline(flow: Flow, published: Published) -> None:
    year = published.header.index("PERIOD_YEAR")
    rows = [[*row[:year], "last year", *row[year + 1 :]] for row in published.rows[:3]]
    with flow.stack.supervised(["ingest-csv", "etl", "trainer"]):
        flow.drop("wrong.csv", published.encoded(rows))
        await flow.until("processed", "select count(*) from rejected", 3)
    assert await flow.wrong() == []


async def test_on_a_terminal_a_bar_shows_how_much_was_sent(flow: Flow, published: Published, tmp_path: Path) -> None:
    file = tmp_path / "good.csv"
    file.write_bytes(published.encoded(published.rows[:500]))
    with flow.stack.supervised(["ingest-csv"]):
        shown = on_a_terminal(flow, "ingest", file)
    assert "good.csv" in shown
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in shown, "the bar"
    assert "kB" in shown, "how much of how much"


def on_a_terminal(flow: Flow, *arguments: object) -> str:
    """What `okr` shows on standard error where that is a terminal."""
    okr = [str(Path(sys.executable).with_name("okr")), "--state", str(flow.stack.stack.state.folder)]
    reading, terminal = pty.openpty()
    shown = b""
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([*okr, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=terminal, env=environment):
        os.close(terminal)
        with suppress(OSError):  # so a terminal ends that nobody writes to any more
            while piece := os.read(reading, 65_536):
                shown += piece
    os.close(reading)
    return shown.decode()
