"""`okr sources check`: what a file would become is shown, and nothing of it is kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from okr_cli.main import app
from okr_cli.testing import Flow, Published
from okr_common.paths import repository
from okr_etl.testing.grouped import GROUPED, GROUPED_HEADER, INDENTED, INDENTED_HEADER, grouped, indented

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
VALUE = 13


async def check(flow: Flow, file: Path, *more: str) -> tuple[int, str]:
    command = ["--state", str(flow.stack.stack.state.folder), "sources", "check", str(file), *more]
    done = await asyncio.to_thread(CliRunner().invoke, app, command)
    return done.exit_code, done.output


async def test_a_file_is_shown_as_it_would_be_read_and_nothing_is_loaded(
    flow: Flow, published: Published, tmp_path: Path
) -> None:
    rows = published.rows[:40]
    bad = [*rows[3][:VALUE], "n/a", *rows[3][VALUE + 1 :]]
    good_file, strange = tmp_path / "export.csv", tmp_path / "strange.csv"
    good_file.write_bytes(published.encoded([*rows[:3], bad, rows[4][:5], *rows[5:]]))
    strange.write_text("shop,price\nA,1\n")
    with flow.stack.supervised(("ingest-csv", "etl")):
        code, said = await check(flow, good_file)
        _, told = await check(flow, good_file, "--json", "--rows", "2")
        wrong, why = await check(flow, strange)
        hinted, lacks = await check(flow, strange, "--source", "mta_nyct")
    found: dict[str, Any] = json.loads(told)
    assert (code, wrong, hinted) == (0, 1, 1)
    assert "source      mta_nyct" in said
    assert "unreadable  line 6, too_few_cells" in said
    assert "rejected    1 for not_a_number:value" in said
    assert "unrecognised" in why
    assert "okr sources new" in why
    assert "-o configs/sources/strange.yaml" in why
    assert "okr sources new" not in lacks, "it was said whose file it is"
    assert "shop, price" in why
    assert "missing_columns" in lacks
    assert (found["preview"]["rows"], found["preview"]["good"], len(found["preview"]["records"])) == (39, 38, 2)
    assert found["preview"]["rejected"][0]["line"] == 5
    first = found["preview"]["records"][0]
    assert first["key_result"]["title"] == rows[0][3].strip()
    assert first["check_in"]["value"] == float(rows[0][VALUE])
    assert await flow.ask("raw", "select count(*) from file") == 0


async def test_of_a_mapping_that_cannot_be_read_every_mistake_is_told_with_its_place(
    flow: Flow, tmp_path: Path
) -> None:
    template = (repository() / "configs" / "sources" / "okr_template.yaml").read_text()
    mapping, file = tmp_path / "goals.yaml", tmp_path / "goals" / "export.csv"
    mapping.write_text(
        template.replace("clock: wall", "clock: walk").replace("objective, type: text", "objective, type: txt")
    )
    file.parent.mkdir()
    file.write_text("a,b\n1,2\n")
    with flow.stack.supervised(("ingest-csv", "etl"), {"OKR_SOURCES__FOLDER": str(tmp_path)}):
        code, by_folder = await check(flow, file)
        _, by_name = await check(flow, file.rename(tmp_path / "export.csv"), "--source", "goals")
        _, told = await check(flow, tmp_path / "export.csv", "--source", "goals", "--json")
    clock, kind = json.loads(told)["problems"]
    assert clock == f'{mapping}:5: clock: one of data, wall is wanted here, not "walk"; did you mean "wall"?'
    assert kind.startswith(f"{mapping}:12: columns.objective.type: one of text, integer, number")
    assert code == 1
    for said in (by_folder, by_name):
        flat = " ".join(said.split())
        assert "source goals mapping " in flat
        assert "would be failed, broken_mapping: the mapping must be mended first" in flat
        assert "yaml:5: clock:" in flat
        assert "yaml:12: columns.objective.type:" in flat


async def test_what_only_etl_finds_wrong_with_a_mapping_is_told_before_a_file_and_at_once_of_one_that_is_sent(
    flow: Flow, tmp_path: Path
) -> None:
    mapping, file = tmp_path / "groups.yaml", tmp_path / "groups.csv"
    mapping.write_text(GROUPED.replace("kind: \"'number'\"", "kind: LOWR('number')"))
    file.write_text("".join(",".join(cells) + "\n" for cells in (GROUPED_HEADER, grouped("Grow", "ada", "Signups"))))
    with flow.stack.supervised(("ingest-csv", "etl"), {"OKR_SOURCES__FOLDER": str(tmp_path)}):
        state = ["--state", str(flow.stack.stack.state.folder)]
        none = await asyncio.to_thread(CliRunner().invoke, app, [*state, "sources"])
        code, said = await check(flow, file)
        sent = await asyncio.to_thread(CliRunner().invoke, app, [*state, "ingest", str(file), "--wait"])
    assert unbroken(f"nothing was applied yet; mappings are read from {tmp_path}") in unbroken(none.output)
    wrong = f"{mapping}:13: derived.kind: there is no function LOWR; did you mean LOWER?"
    assert (code, sent.exit_code) == (1, 1)
    assert unbroken(f"mapping {wrong} would be read, and wait in etl: the mapping must be mended") in unbroken(said)
    told = f"groups waits, broken_mapping: {wrong}. The rows go on by themselves"
    assert unbroken(told) in unbroken(sent.output)


def unbroken(text: str) -> str:
    """Whatever its lines end at: a path may be broken where it has a hyphen."""
    return "".join(text.split())


async def test_rows_that_wait_for_a_parent_are_shown_before_and_after_they_are_loaded(flow: Flow) -> None:
    file = repository() / "samples" / "formats" / "viva_goals.csv"
    state = ["--state", str(flow.stack.stack.state.folder)]
    with flow.stack.supervised(("ingest-csv", "etl")):
        code, said = await check(flow, file)
        sent = await asyncio.to_thread(CliRunner().invoke, app, [*state, "ingest", str(file)])
        assert sent.exit_code == 0, sent.output
        await flow.until("processed", "select count(*) from batch_result", 1, 20)
        listed = await asyncio.to_thread(CliRunner().invoke, app, [*state, "pending", "--json"])
    assert code == 0, said
    assert "pending     1 waits for a parent that the file does not hold" in said
    (waiting,) = json.loads(listed.output)
    assert (waiting["row_num"], waiting["parent"], waiting["line"]) == (9, "99", 12)


async def test_a_transposed_file_is_shown_by_its_columns(flow: Flow) -> None:
    file = repository() / "samples" / "uk_gmpp" / "uk_2014.csv"
    with flow.stack.supervised(("ingest-csv", "etl")):
        code, said = await check(flow, file)
        _, told = await check(flow, file, "--json", "--rows", "3")
    assert code == 0, said
    assert "source      uk_gmpp" in said
    assert "rows        16 lines of a transposed file; 13 columns are in order" in said
    assert "rejected    1 for not_a_date:ends" in said
    found = json.loads(told)
    assert [one["part"] for one in found["preview"]["records"]] == [2, 3, 4]
    assert found["preview"]["records"][0]["check_in"]["status_raw"] == "Amber/Green"
    assert "column 18" in found["preview"]["rejected"][1]["detail"]["missing_value:ends"]


async def test_rows_that_stand_below_others_are_shown_with_what_those_say(flow: Flow, tmp_path: Path) -> None:
    outline = [indented("Grow", "ada"), indented("  Signups", "x", "1"), indented("    Of shops", "", "2")]
    groups = [grouped("Grow", "ada", "Signups"), grouped("", "", "Visits"), grouped("", "bob", "Orders", "many")]
    files = {"outline": (INDENTED, INDENTED_HEADER, outline), "groups": (GROUPED, GROUPED_HEADER, groups)}
    for name, (mapping, header, rows) in files.items():
        (tmp_path / f"{name}.yaml").write_text(mapping)
        (tmp_path / f"{name}.csv").write_text("".join(",".join(cells) + "\n" for cells in (header, *rows)))
    with flow.stack.supervised(("ingest-csv", "etl"), {"OKR_SOURCES__FOLDER": str(tmp_path)}):
        code, said = await check(flow, tmp_path / "groups.csv")
        _, filled = await check(flow, tmp_path / "groups.csv", "--json")
        _, below = await check(flow, tmp_path / "outline.csv", "--json")
    assert code == 0, said
    assert "makes       1 objective, 2 key results, 2 check-ins" in said
    assert shown(filled) == [("groups", 2, "Grow", "Signups", True), ("groups", 3, "Grow", "Visits", True)]
    assert json.loads(filled)["preview"]["rejected"][0]["line"] == 4
    assert shown(below) == [("outline", 3, "Grow", "Signups", True), ("outline", 4, "Signups", "Of shops", True)]
    assert await flow.ask("raw", "select count(*) from file") == 0


def shown(told: str) -> list[tuple[str, int, str, str, bool]]:
    """Of each record shown: source, line, objective, key result, and whether somebody answers for it."""
    found = json.loads(told)
    return [
        (
            found["source"],
            one["line"],
            one["objective"]["title"],
            one["key_result"]["title"],
            bool(one["key_result"].get("owner")),
        )
        for one in found["preview"]["records"]
    ]


async def test_a_draft_is_a_mapping_that_reads_its_file(flow: Flow, tmp_path: Path) -> None:
    file, sources = tmp_path / "Team goals.csv", tmp_path / "sources"
    sources.mkdir()
    file.write_text(
        "Goal;KR;Start;Due;From;To;Value;Owner email;Note\n"
        "Grow;Sign-ups;01.01.2026;30.06.2026;1.000,5;4.000;1.500;ada@example.com;<p>Grow</p>\n"
        "Grow;Sales;01.01.2026;30.06.2026;1.000,5;4.000;much;ada@example.com;\n"
    )
    command = ["--state", str(flow.stack.stack.state.folder), "sources", "new", str(file)]
    place = sources / "team_goals.yaml"
    with flow.stack.supervised(("ingest-csv", "etl"), {"OKR_SOURCES__FOLDER": str(sources)}):
        drafted = await asyncio.to_thread(CliRunner().invoke, app, command)
        written = await asyncio.to_thread(CliRunner().invoke, app, [*command, "-o", str(place)])
        again = await asyncio.to_thread(CliRunner().invoke, app, [*command, "-o", str(place)])
        astray = await asyncio.to_thread(CliRunner().invoke, app, [*command, "-o", f"{place}", "--source", "other"])
        code, told = await check(flow, file, "--source", "team_goals", "--json")
    assert (drafted.exit_code, code) == (0, 0), told
    assert (written.exit_code, written.stdout, place.read_text()) == (0, "", drafted.stdout)
    assert list(sources.iterdir()) == [place]
    assert "mend it, then: okr sources check" in written.stderr
    assert (again.exit_code, "is there already" in again.stderr) == (1, True), "what somebody mended stays"
    assert (astray.exit_code, "named by its file" in astray.stderr) == (1, True)
    (record,) = json.loads(told)["preview"]["records"]
    assert (record["key_result"]["baseline"], record["key_result"]["target"]) == (1000.5, 4000)
    assert record["check_in"]["value"] == 1500
    assert record["key_result"]["title"] == "Sign-ups"
    assert record["key_result"]["owner"].startswith("person-"), "by the key that the stack drew"
    assert json.loads(told)["preview"]["reasons"] == {"not_a_number:value": 1}
    assert "example.com" not in drafted.stdout + told, "nobody is shown"


async def test_titles_above_the_header_do_not_hide_it_from_a_draft(flow: Flow, tmp_path: Path) -> None:
    file = tmp_path / "my goals.csv"
    table = "Goal, KR ,Start,Due,Target,Value,Extra\nGrow,Sign-ups,2026-01-01,2026-06-30,4,1,x\n"
    file.write_text(f"Goals of all teams, exported 30.06.2026\n\n{table}")
    command = ["--state", str(flow.stack.stack.state.folder), "sources", "new", str(file)]
    with flow.stack.supervised(("ingest-csv",)):
        drafted = await asyncio.to_thread(CliRunner().invoke, app, command)
        misnamed = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--source", "My goals"])
    assert 'title: { from: "KR", type: text, required: true } # for example Sign-ups' in drafted.stdout
    assert "my goals.csv' --source my_goals" in drafted.stderr, "quoted, and on one line"
    assert (misnamed.exit_code, "my_goals" in misnamed.stderr) == (1, True)


async def test_a_recorded_answer_of_an_api_is_shown_as_its_mapping_reads_it(flow: Flow, tmp_path: Path) -> None:
    samples = repository() / "samples" / "formats"
    odd, none = tmp_path / "odd.json", tmp_path / "none.json"
    first, *others = json.loads((samples / "tability_1.json").read_bytes())
    first["checkins"][1]["confidence"] = "purple"
    odd.write_text(json.dumps([3, first, *others]))
    none.write_text('{"error": "unauthorised"}')
    with flow.stack.supervised(("ingest-api", "etl")):
        code, said = await check(flow, samples / "gitlab_work_items_1.json", "--source", "gitlab_work_items")
        _, told = await check(flow, odd, "--source", "tability", "--json")
        wrong, why = await check(flow, none, "--source", "lattice")
        nobody, whose = await check(flow, odd)
        unknown, known = await check(flow, odd, "--source", "mta_nyct")
    assert (code, wrong, nobody, unknown) == (0, 1, 1, 1)
    assert 'next page   variables={"after":"eyJpZCI6IjQ1In0"}' in said
    assert "rows        6, of which 5 are in order" in said
    assert "left out    1, which the mapping does not mean" in said
    assert {"Paying", "customers"} <= set(said.split()), said  # on two lines, where the terminal is narrow
    found: dict[str, Any] = json.loads(told)
    assert found["unreadable"] == [
        {"record": 1, "reason": "not_an_object", "detail": "a record must be a JSON object; this is a number"}
    ]
    assert (found["rows"], found["preview"]["good"], found["preview"]["entities"]["check_in"]) == (8, 5, 10)
    assert [one["line"] for one in found["preview"]["rejected"]] == [2, 8]
    assert "unknown_word:said" in found["preview"]["rejected"][0]["reasons"]
    assert "api.records 'data' leads to no list in the answer; it has error" in " ".join(why.split())
    assert "name its mapping with --source" in whose
    assert "there is no API source 'mta_nyct'; there are: asana_goals" in " ".join(known.split())
    assert await flow.ask("raw", "select count(*) from api_request") == 0
