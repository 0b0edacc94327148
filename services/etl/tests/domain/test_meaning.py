"""Texts as they are meant: lists in order, people hidden, and neither changes by being read twice."""

import re
from itertools import pairwise
from pathlib import Path

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.cleaning import clean
from okr_common.sources import Column, Mapping, load_mapping
from okr_etl.domain.batch import Proposed, propose
from okr_etl.domain.check import trouble
from okr_etl.domain.columns import value
from okr_etl.domain.meaning import meant
from okr_etl.domain.people import hidden
from okr_etl.domain.preview import preview, unloaded
from okr_etl.testing import INGESTED_AT, raw_batch

KEY = b"a key of sixteen"


def read(*texts: str | None, key: bytes = KEY, **column: object) -> list[str | None]:
    made = Column.model_validate({"from": "x", "type": "text", **column})
    frame = pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)})
    return frame.select(meant(pl.col("x"), made, key)).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "separator", "means"),
    [
        ("growth; europe", ";", "europe; growth"),
        ("europe;growth", ";", "europe; growth"),
        (" growth ;; growth; ", ";", "growth"),
        ("growth", ";", "growth"),
        ("Alpha, Beta", ",", "Alpha; Beta"),
        ("ada@example.com\r\nbob@example.com\n", "\n", "ada@example.com; bob@example.com"),
        ("a|b|a", "|", "a; b"),
        ("TBD; growth", ";", "growth"),
        ('["growth", " europe ", "TBD", "growth", 7]', ";", "7; europe; growth"),  # as an API has it
        ("[]", ";", None),
        ('["growth"; {}]', ";", '["growth"; {}]'),
        ('[{"name": "growth"}]', ";", '[{"name": "growth"}]'),
        ("[" * 5000, ";", "[" * 5000),
        ("TBD;tbd", ";", "tbd"),
        (" ; ;", ";", None),
        ("TBD", ";", None),
        ("", ";", None),
    ],
)
def test_lists(text: str, separator: str, means: str | None) -> None:
    assert read(text, separator=separator, blanks=["TBD"]) == [means]


PARTS = st.lists(st.text("ab \u00e9\u4e2d-", max_size=5))


@given(PARTS, st.sampled_from(";,|/\n"), st.randoms())
def test_a_list_means_the_same_in_any_order_and_read_again(parts: list[str], separator: str, chance: object) -> None:
    shuffled = list(parts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    [one, other] = read(separator.join(parts), separator.join([*shuffled, *parts]), separator=separator)
    assert one == other
    assert read(one, separator=";") == [one]
    told = one.split("; ") if one else []
    assert all(before < after for before, after in pairwise(told)), "sorted, and each once"
    assert set(told) == {clean(part).text for part in parts} - {""}


SOUP = st.text() | st.text('<>&;/pbr@[]()~|amp,\n \u00a0\u200b{}"', max_size=30)


@given(SOUP, st.sampled_from([None, "html", "mentions"]), st.sampled_from([None, ";", ",", "\n"]), st.booleans())
def test_any_text_means_a_clean_text_or_nothing(text: str, markup: str | None, mark: str | None, person: bool) -> None:  # noqa: FBT001 - drawn
    [told, same] = read(text, text, markup=markup, separator=mark, person=person)
    assert told == same
    assert told is None or (told and clean(told).text == told)


def test_markup_goes_before_blank_words_and_parts_are_looked_for() -> None:
    column = {"markup": "html", "separator": ";", "blanks": ["TBD"]}
    assert read("<p>TBD</p>", "<p>b;&nbsp;<b>a</b></p>", "<br>", None, **column) == [None, "a; b", None, None]


def test_a_column_that_asks_for_nothing_keeps_its_texts() -> None:
    assert read(" <p>b;a</p> ", "ada@example.com", key=b"") == ["<p>b;a</p>", "ada@example.com"]


@pytest.mark.parametrize(
    "same", ["Ada Lovelace", " ada lovelace", "ADA LOVELACE\t", "Ada\u00a0Lovelace", "ada LOVELACE\u200b"]
)
def test_a_person_is_the_same_however_the_cell_is_written(same: str) -> None:
    assert read(same, person=True) == [hidden("Ada Lovelace", KEY)]


def test_other_people_and_other_keys_are_other_hashes() -> None:
    hashes = {hidden(name, key) for name in ("Ada", "Bob", "Ad a") for key in (KEY, b"another key, longer" * 9)}
    assert len(hashes) == 6
    assert all(word.startswith("person-") and len(word) == len("person-") + 16 for word in hashes)


def test_each_person_of_a_list_is_hidden() -> None:
    both = sorted([hidden("ada@example.com", KEY), hidden("bob@example.com", KEY)])
    cells = ("ada@example.com\nbob@example.com", "Bob@example.com\n\nADA@example.com\nbob@example.com")
    assert read(*cells, person=True, separator="\n") == ["; ".join(both)] * 2


@given(st.text("adz\u00e9\u4e2d.@ ", min_size=1).filter(str.strip))
def test_any_person_is_one_hash_that_shows_nothing(name: str) -> None:
    [word, *others] = read(name, name.upper(), f"\u00a0{name}\t", person=True)
    assert others == [word, word]
    assert word is not None
    assert re.fullmatch("person-[0-9a-f]{16}", word)


def test_without_a_key_nobody_is_hidden_as_anybody_could_try_names() -> None:
    with pytest.raises(Exception, match="without a key"):
        read("Ada", person=True, key=b"")


STATUS = """\
title: Goals
kind: csv
clock: wall
recognise: { columns: [KR] }
columns:
  kr: { from: KR, type: text, required: true }
  due: { from: Due, type: date, required: true }
  value: { from: Value, type: number }
  status_raw: { from: Status, type: text }
  status: { from: Status, type: text, map: { good: on_track, bad: off_track }, unknown: warn }
derived: { kind: "'number'", direction: "'increase'" }
entities:
  objective: { key: [kr], title: kr }
  key_result: { key: [kr], title: kr, metric_kind: kind, direction: direction, target: value, start_on: due,
    due_on: due }
  check_in: { key: [kr, due], as_of: due, value: value, status_raw: status_raw, status: status }
"""


@pytest.mark.parametrize(("unknown", "kept"), [("warn", 4), ("reject", 2)])
def test_a_status_that_the_map_does_not_know(tmp_path: Path, unknown: str, kept: int) -> None:
    mapping = loaded(tmp_path, STATUS.replace("unknown: warn", f"unknown: {unknown}"))
    rows = [[f"kr{place}", "2026-01-31", "1", word] for place, word in enumerate(["good", "odd", "", "odd"])]
    found = propose(raw_batch(rows, STATUS_HEADER, "goals"), mapping)
    assert found.wide.height == kept
    assert [one.reasons for one in found.rejected] == [("unknown_word:status",)] * (4 - kept)
    shown = preview(mapping, unloaded(STATUS_HEADER, rows, "x.csv", INGESTED_AT), 10)
    assert shown.unknown == ({"odd": 2} if unknown == "warn" else {})
    told = {(one["check_in.status_raw"], one["check_in.status"]) for one in found.wide.iter_rows(named=True)}
    assert told - {("odd", None)} == {("good", "on_track"), (None, None)}
    assert (("odd", None) in told) == (unknown == "warn")


STATUS_HEADER = ["KR", "Due", "Value", "Status"]


@pytest.mark.parametrize(
    ("text", "means"),
    {
        **dict.fromkeys(
            ["true", "TRUE", "Yes", "y", "1", "x", "X", "\u2713", "Done", "ja", "Oui", "S\u00ed", "t", "on"], True
        ),
        **dict.fromkeys([" yes\u00a0", "\u2705", "WAHR", "sim"], True),
        **dict.fromkeys(["false", "No", "n", "0", "Nein", "non", "FALSCH", "f", "off", "N\u00c3O", "na\u0303o"], False),
        **dict.fromkeys(["maybe", "2", "yes!", "1.0", "-", "n/a", "yes no", "", "TBD", "\u2717"], None),
    }.items(),
)
def test_boolean_words(text: str, means: bool | None) -> None:  # noqa: FBT001 - a table
    column = Column.model_validate({"from": "x", "type": "boolean", "blanks": ["TBD"]})
    read_as = pl.DataFrame({"x": [text]}).select(meant(pl.col("x"), column, b"").alias("read:x"))
    assert read_as.select(value("x", column)).item() is means


HEADER = ["Owner", "KR", "Due", "Value", "Note"]
GOALS = """\
title: Goals
kind: csv
clock: wall
recognise: { columns: [Owner, KR] }
columns:
  owner: { from: Owner, type: text, required: true, person: true, separator: ";" }
  kr: { from: KR, type: text, required: true }
  due: { from: Due, type: date, required: true }
  value: { from: Value, type: number }
  note: { from: Note, type: text, markup: html }
derived: { kind: "'number'", direction: "'increase'", told: "CONCAT(owner, ' owns it')" }
entities:
  objective: { key: [owner], title: owner, description: told }
  key_result: { key: [owner, kr], title: kr, metric_kind: kind, direction: direction, target: value, start_on: due,
    due_on: due, owner: owner, attributes: [owner] }
  check_in: { key: [owner, kr, due], as_of: due, value: value, comment: note }
"""


def loaded(folder: Path, text: str) -> Mapping:
    (folder / "goals.yaml").write_text(text, encoding="utf-8")
    found = load_mapping(folder / "goals.yaml")
    assert isinstance(found, Mapping), [str(problem) for problem in found]
    assert trouble(found) == []
    return found


@pytest.fixture
def goals(tmp_path: Path) -> Mapping:
    return loaded(tmp_path, GOALS)


ROWS = [
    ["ada@example.com", "Ship", "2026-01-31", "1", "<p>On&nbsp;time</p>"],
    ["Ada@Example.com ", "Ship", "2026-02-28", "2", ""],
    ["ada@example.com", "Ship", "soon", "x", ""],
    ["ada@example.com;bob@example.com", "Ship", "0017-01-31", "1", ""],
    ["ada@example.com", "", "2026-01-31", "1", ""],
]


def everything(found: Proposed) -> str:
    told = [orjson.dumps(one.detail).decode() for one in found.rejected]
    return "\n".join([found.wide.write_json(), found.candidates.write_json(), *told]).lower()


def test_a_person_shows_in_no_entity_id_payload_document_or_rejected_detail(goals: Mapping) -> None:
    found = propose(raw_batch(ROWS, HEADER, "goals"), goals, KEY)
    assert (found.wide.height, len(found.rejected)) == (2, 3)
    assert found.wide["objective.title"].to_list() == [hidden("ada@example.com", KEY)] * 2
    assert found.wide["key_result.id"].n_unique() == 1
    assert found.wide["check_in.comment"].to_list() == ["On time", None]
    assert "example.com" not in everything(found)


def test_a_row_rejected_for_its_person_shows_the_hash(tmp_path: Path) -> None:
    mapping = loaded(tmp_path, GOALS.replace("kind: \"'number'\"", "kind: owner"))
    found = propose(raw_batch(ROWS[:1], HEADER, "goals"), mapping, KEY)
    assert hidden("ada@example.com", KEY) in found.rejected[0].detail["unknown_word:kind"]
    assert "example.com" not in everything(found)


def test_the_preview_shows_no_person(goals: Mapping) -> None:
    shown = preview(goals, unloaded(HEADER, ROWS, "x.csv", INGESTED_AT), 10, KEY)
    assert "example.com" not in orjson.dumps([shown.records, shown.rejected]).decode().lower()
    assert shown.records[0]["key_result"]["owner"] == hidden("ada@example.com", KEY)
