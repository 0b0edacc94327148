import csv
import io
import re
import unicodedata
from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common import cleaning, paths
from okr_common.cleaning import ODD_CHARACTER, RULES, Cleaned, clean, count_changes, needs_cleaning

NASTY = ' \t\r\nab"\\,[]\0\x1a\x1f\x7f\x85\x9f\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff\u3000\u212b'
COMPOSING = "e\u0301\u0323\u00e9\u1100\u1161\uac00"
DEVELOPMENT_DATA = paths.repository().parent / "shared" / "data"
TEXTS = st.text(st.sampled_from(NASTY + COMPOSING)) | st.text()


@pytest.mark.parametrize(
    ("text", "read", "rule"),
    [
        ("Subways\u00a0- NYCT", "Subways - NYCT", "no_break_spaces"),
        ("1\u202f234", "1 234", "no_break_spaces"),
        ("1\u2007234", "1 234", "no_break_spaces"),
        ("on\u200btime", "ontime", "zero_width"),
        ("on\u2060time", "ontime", "zero_width"),
        ("\ufeffId", "Id", "zero_width"),
        ("Sprint\x1a 7", "Sprint 7", "control_characters"),
        ("a\0b\x0cc\x7fd\x80e\x9ff", "abcdef", "control_characters"),
        ("Gru\u0308n", "Gr\u00fcn", "unicode_nfc"),
        ("\u212b", "\u00c5", "unicode_nfc"),
        ("\t Mean distance \r\n", "Mean distance", "outer_white_space"),
        ("\u3000x\u2003", "x", "outer_white_space"),
    ],
)
def test_each_rule_by_its_name(text: str, read: str, rule: str) -> None:
    assert clean(text) == Cleaned(read, (rule,))


@pytest.mark.parametrize(
    "text",
    ["", "two\nlines", "a\tb", "\u0645\u06cc\u200c\u062e", "👨\u200d👩\u200d👧", "co\u00adoperate", "Größe \u2013 5 €"],
)
def test_what_means_something_stays(text: str) -> None:
    assert clean(text) == Cleaned(text)


def test_the_rules_that_changed_something_are_named_in_their_order() -> None:
    assert clean("\u00a0e\u200b\u0301\x1a").changed == RULES


@given(TEXTS)
def test_clean_is_the_rules_one_after_another_and_changes_nothing_twice(text: str) -> None:
    by_rule = text
    for rule in cleaning._RULES.values():
        by_rule = rule(by_rule)
    found = clean(text)
    assert found.text == by_rule
    assert bool(found.changed) >= (found.text != text)
    assert clean(found.text) == Cleaned(found.text)


def test_no_rule_has_to_do_with_a_character_that_is_not_odd() -> None:
    """Over all of Unicode: so a text without odd ones can at most have outer white space."""
    everything = "".join(map(chr, range(0x110000)))
    plain = set(everything) - set(re.findall(ODD_CHARACTER, everything))
    parts = (unicodedata.decomposition(character).split() for character in everything)
    composed = {chr(int(two[1], 16)) for two in parts if len(two) == 2 and not two[0].startswith("<")}
    jamo = set(map(chr, [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]))
    moved = {character for character in everything if unicodedata.combining(character)}
    changed = {
        character for character in everything for rule in cleaning._RULES.values() if rule(character) != character
    }
    assert plain & (composed | jamo | moved | changed) == set(" \t\r\n")
    assert len(plain) > 40_000, "the short cut is worth its name"


@given(st.lists(TEXTS, max_size=6))
def test_a_row_that_needs_no_cleaning_has_nothing_to_clean(cells: list[str]) -> None:
    changes = list(count_changes(cells))
    assert needs_cleaning(orjson.dumps(cells)) or not changes


@pytest.mark.parametrize(
    ("cells", "needed"),
    [
        (["7", "On time", "Größe", "2017-01-31", "-", ""], False),
        (["目標値", "5 \u2013 7 €", "цель"], False),
        ([], False),
        ([" x"], True),
        (["x "], True),
        (["a", " "], True),
        (["a\x1a"], True),
        (["a\x7f"], True),
        (["a\u00a0b"], True),
        (["Gru\u0308n"], True),
        (["two\nlines", "a\\c"], False),
        (["two lines\n"], True),
        (["\ttwo lines"], True),
    ],
)
def test_needs_cleaning(cells: list[str], needed: bool) -> None:  # noqa: FBT001
    assert needs_cleaning(orjson.dumps(cells)) is needed


def test_changes_are_counted_by_column_and_rule() -> None:
    rows = [["1", "On\u00a0time "], ["2", "Late "], ["3", "Late"]]
    assert Counter(change for cells in rows for change in count_changes(cells)) == {
        (1, "no_break_spaces"): 1,
        (1, "outer_white_space"): 2,
    }


def test_the_documentation_names_every_rule_in_its_order() -> None:
    page = (paths.repository() / "docs" / "cleaning.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == RULES


def changes_of(file: Path, encoding: str = "cp1252", delimiter: str = ",") -> Counter[str]:
    """By rule, how many cells of a file change, its header apart; no row is missed by the test beforehand."""
    reader = csv.reader(io.StringIO(file.read_bytes().decode(encoding), newline=""), delimiter=delimiter)
    _, *rows = filter(None, reader)
    found = [(cells, Counter(rule for _, rule in count_changes(cells))) for cells in rows]
    assert not [cells for cells, changes in found if changes and not needs_cleaning(orjson.dumps(cells))]
    return sum((changes for _, changes in found), Counter())


def test_the_mta_file() -> None:
    changes = changes_of(paths.repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv")
    assert changes == {"no_break_spaces": 2442, "outer_white_space": 3318}


@pytest.mark.data
@pytest.mark.skipif(not DEVELOPMENT_DATA.is_dir(), reason="the development data is not beside this checkout")
@pytest.mark.parametrize(
    ("name", "delimiter", "changes"),
    [
        ("uk_gmpp/uk_2014.csv", ",", {"outer_white_space": 308, "no_break_spaces": 18}),
        ("uk_gmpp/uk_2018.csv", ",", {"outer_white_space": 243, "no_break_spaces": 7}),
        ("uk_gmpp/uk_2021.csv", ";", {"outer_white_space": 74, "no_break_spaces": 28}),
        ("agile_sprints/apache_iteration_0.csv", ",", {}),
        ("agile_sprints/jboss_iteration_0.csv", ",", {"outer_white_space": 3}),
        (
            "agile_sprints/jira_iteration_80.csv",
            ",",
            {"outer_white_space": 14, "no_break_spaces": 1, "control_characters": 2},
        ),
    ],
)
def test_other_real_files(name: str, delimiter: str, changes: dict[str, int]) -> None:
    assert changes_of(DEVELOPMENT_DATA / name, delimiter=delimiter) == changes
