"""UK major projects in three shapes: excerpts, project by project, and the figures of the whole files."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from okr_common.paths import repository
from okr_common.sources import load_sources
from okr_common.testing.development_data import DEVELOPMENT_DATA, needs_data
from okr_etl.domain.batch import Proposed, apply
from okr_etl.domain.cells import PART
from okr_etl.domain.check import trouble
from okr_etl.domain.versions import HELD_SCHEMA
from okr_etl.testing.shipped import proposed_of, shipped

SAMPLES = repository() / "samples" / "uk_gmpp"
FIELDS = (
    *("key_result.title", "objective.source_id", "key_result.start_on", "key_result.due_on", "check_in.value"),
    *("check_in.status", "budget", "forecast", "whole_life_cost"),
)
GOLDEN: dict[str, list[tuple[Any, ...]]] = {
    "uk_2014.csv": [
        (
            *("FE Capital Investment Programme", "BIS", date(2010, 5, 31), date(2015, 9, 1)),
            *(4, "on_track", 450.37, 450.37, 5609.46),
        ),
        (
            *("The Francis Crick Institute (formerly UKCMRI)", "BIS", date(2006, 10, 1), date(2017, 12, 21)),
            *(4, "on_track", 112, 112, 753),
        ),
        ("Green Investment Bank", "BIS", date(2010, 6, 1), date(2012, 9, 1), 5, "on_track", 0, 0, 278),
        ("Broadband Delivery Programme", "DCMS", date(2010, 12, 6), date(2016, 12, 31), 3, "at_risk", 99.5, 99.5, 529),
        ("The Tate Modern Project", "DCMS", date(2010, 1, 1), date(2015, 5, 1), 2, "at_risk", -2.7, -2.7, 215),
        ("Mobile Infrastructure Project", "DCMS", date(2011, 10, 1), date(2015, 3, 31), 4, "on_track", 71, 14, 155),
        ("St Helena Airport", "DFID", date(2005, 3, 15), date(2026, 8, 31), 3, "at_risk", 53.25, 60.63, 445.11),
        (
            "E&N Herts NHS Trust - LIFT scheme - new QEII hospital in Welwyn Garden City",
            *("DOH", date(2011, 3, 23), date(2014, 4, 1)),
            *(None, None, 0, 0, 67.44),  # No DCA
        ),
        # its year's figures are exempt
        ("Pre-Pandemic Vaccine", "DOH", date(2011, 10, 1), date(2014, 7, 1), 5, "on_track", None, None, 259),
        ("IMS3", "DOH", date(2011, 5, 16), date(2013, 3, 29), 4, "on_track", 14.3, 22.99, 139.38),
        (
            "Real Time Information (RTI)",
            "HMRC",
            date(2010, 7, 5),
            date(2014, 10, 31),
            3,
            "at_risk",
            74.87,
            72.45,
            333.02,
        ),
        (
            *("Emergency Services Mobile Communications Programme (ESMCP)", "HO", date(2011, 6, 1), date(2020, 12, 31)),
            *(2, "at_risk", 6.82, 10.24, 16.75),  # "Amber/ Red"
        ),
        ("Border Systems Programme", "HO", date(2013, 4, 29), date(2024, 3, 30), 2, "at_risk", None, None, 0),  # TBC
    ],
    "uk_2018.csv": [
        (
            *("Geological Disposal Facility Programme (GDF)", "BEIS", date(2008, 6, 30), date(2040, 12, 31)),
            *(2, "at_risk", 32.24, 32.25, 12131.5),
        ),
        (
            *("Heat Networks Investment Project", "BEIS", date(2015, 11, 25), date(2021, 3, 31)),
            *(None, None, 33.67, 21.6, 365.98),  # its rating is exempt
        ),
        (
            *("Local Land Charges (LLC) Programme", "BEIS", date(2014, 3, 1), date(2023, 11, 17)),
            *(3, "at_risk", 25.8, 13.6, 193.3),
        ),
        ("PSBP Private Finance", "DFE", date(2011, 7, 19), date(2043, 7, 1), 5, "on_track", 186.5, 190.1, 2652),
        ("St Helena Airport", "DFID", date(2005, 3, 15), date(2026, 8, 31), 4, "on_track", 6, 6.5, 445.12),
        ("Crossrail Programme", "DFT", date(2008, 7, 22), date(2019, 12, 31), 3, "at_risk", 972.02, 1857.1, 14768.87),
        ("NHS e-Referral Service", "DHSC", date(2012, 3, 29), date(2018, 3, 31), 2, "at_risk", 28.47, 22.62, 131.17),
        # of the last century; a NBSP before its pounds
        ("Astute Boats 1-7", "MOD", date(1997, 3, 17), date(2024, 3, 31), 1, "off_track", 541.08, 562.62, 9941.96),
        (
            *("New Style of Information Technology (Base)", "MOD", date(2015, 4, 1), date(2018, 3, 5)),
            *(2, "at_risk", None, None, None),  # Amber/red
        ),
        (
            *("Nuclear Warhead Capability Sustainment Programme", "MOD", date(2008, 4, 1), date(2025, 4, 30)),
            *(None, None, 1013.69, 1024.53, 19894.38),
        ),
        (
            "Queen Elizabeth Programme",
            "MOD",
            date(1998, 12, 1),
            date(2023, 3, 31),
            3,
            "at_risk",
            401.08,
            402.83,
            6705.64,
        ),
    ],
    "uk_2021.csv": [
        ("Maritime Patrol Aircraft", "MOD", date(2014, 7, 8), date(2024, 4, 1), 2, "at_risk", 654.46, 654.11, 2013.02),
        ("New Polar Research Vessel", "BEIS", date(2014, 5, 1), date(2022, 12, 31), 4, "on_track", 43, 43, 1419.5),
        (
            *("Smart Metering Implementation Programme", "BEIS", date(2009, 12, 2), date(2025, 6, 30)),
            *(3, "at_risk", 1139.18, 1139.86, 20136.95),
        ),
        ("St Helena Airport", "FCDO", date(2005, 3, 15), date(2026, 8, 31), 4, "on_track", 4, 4, 445.1),
        ("Crossrail Programme", "DFT", date(2008, 7, 22), date(2023, 5, 14), 2, "at_risk", 873.4, 957.4, 18812.1),
        ("PHE Science Hub", "DHSC", date(2013, 6, 28), date(2025, 6, 30), 2, "at_risk", 464.03, 262.92, 2656.34),
        (
            *("New Style of Information Technology Deployed", "MOD", date(2015, 4, 1), date(2025, 3, 25)),
            *(None, None, None, None, None),  # all exempt
        ),
        ("Project Bramley", "MOD", date(2017, 3, 31), date(2030, 3, 31), None, None, None, None, None),
        # "Legal sensitivity around this programme ..." is no rating
        ("NO2 Reduction", "DEFRA & DFT", date(2016, 1, 1), date(2027, 12, 31), None, None, 289, 151.5, 880),
    ],
}
REJECTED: dict[str, dict[int, dict[str, str]]] = {
    "uk_2014.csv": {
        5: {"not_a_date:starts": 'column 6 ("G-Cloud Programme (covers Data Centre Consolidation'},
        6: {
            "not_a_date:ends": 'column 5 ("Urenco Future Options"): end_date reads "Data exempt under section 27',
            "missing_value:ends": 'column 18 ("Complex Weapons"): end_date is blank',
        },
    },
    "uk_2018.csv": {
        9: {"not_a_date:starts": "start_date reads", "not_a_date:ends": 'end_date reads "Exempt under Section 26 of'},
        10: {"not_a_date:ends": 'end_date reads "TBD"; dates look like %d/%m/%Y or'},
        14: {"not_a_date:ends": "end_date reads"},
    },
    "uk_2021.csv": {
        6: {"not_a_date:starts": "start_date reads", "not_a_date:ends": "end_date reads"},
        8: {"not_a_date:starts": "start_date reads", "not_a_date:ends": "end_date reads"},
        9: {"not_a_date:ends": "end_date reads"},
        10: {"not_a_date:starts": "start_date reads", "not_a_date:ends": "end_date reads"},
    },
}
AS_OF = {"uk_2014.csv": date(2013, 9, 30), "uk_2018.csv": date(2017, 9, 30), "uk_2021.csv": date(2021, 3, 31)}


def read(file: Path) -> tuple[list[str], list[list[str]]]:
    text = file.read_bytes().decode("cp1252")
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if file.name == "uk_2021.csv" else ",")
    return header, rows


def proposed(file: Path) -> Proposed:
    return proposed_of("uk_gmpp", *read(file), file)


def counts(found: Proposed) -> dict[str, int]:
    told = apply(found, pl.DataFrame(schema=HELD_SCHEMA), None).counts
    return {name: count for name, count in told.items() if count}


@pytest.mark.parametrize("name", GOLDEN)
def test_each_project_of_an_excerpt(name: str) -> None:
    found = proposed(SAMPLES / name)
    assert found.wide.select(FIELDS).rows() == GOLDEN[name]
    assert found.wide["check_in.as_of"].unique().to_list() == [AS_OF[name]]
    told = {one.row_num: one.detail for one in found.rejected}
    assert {number: set(detail) for number, detail in told.items()} == {
        number: set(detail) for number, detail in REJECTED[name].items()
    }
    for number, detail in REJECTED[name].items():
        assert all(told[number][reason].startswith(said) for reason, said in detail.items()), told[number]


@pytest.mark.parametrize("name", GOLDEN)
def test_an_excerpt_is_recognised_by_its_name_and_header(name: str) -> None:
    sources = load_sources(repository() / "configs" / "sources")
    assert sources.recognise(f"data/raw/2026-{name}", read(SAMPLES / name)[0]).source == "uk_gmpp"
    assert trouble(shipped("uk_gmpp")) == []


def test_both_words_are_kept() -> None:
    wide = proposed(SAMPLES / "uk_2014.csv").wide
    words = dict(wide.select("key_result.title", "check_in.status_raw").iter_rows())
    assert words["Mobile Infrastructure Project"] == "Amber/Green"
    assert words["Emergency Services Mobile Communications Programme (ESMCP)"] == "Amber/ Red"
    assert words["E&N Herts NHS Trust - LIFT scheme - new QEII hospital in Welwyn Garden City"] == "No DCA"


def test_a_project_of_a_transposed_file_is_found_by_line_and_column() -> None:
    """Of the lines that are read the first one without a rejected cell: its department. Its column is its part."""
    wide = proposed(SAMPLES / "uk_2014.csv").wide
    assert wide.select("row_num", PART).rows()[:4] == [(1, 2), (1, 3), (1, 4), (1, 7)]


def test_the_same_project_in_all_three_years_is_one_key_result() -> None:
    ids = [
        proposed(SAMPLES / name).wide.filter(pl.col("key_result.title") == "St Helena Airport")["key_result.id"].item()
        for name in GOLDEN
    ]
    assert len(set(ids)) == 1


WHOLE = {
    # 16 lines: of two of them cells are rejected, and one stands for the others; 199 projects and a blank column
    "uk_2014.csv": (191, {"rejected": 2, "new": 1, "unchanged": 13}),
    "uk_2018.csv": (128, {"rejected": 5, "new": 128}),
    "uk_2021.csv": (178, {"rejected": 6, "new": 178}),
}


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_file(name: str) -> None:
    found = proposed(DEVELOPMENT_DATA / "uk_gmpp" / name)
    projects, told = WHOLE[name]
    assert (found.wide.height, counts(found)) == (projects, told)
