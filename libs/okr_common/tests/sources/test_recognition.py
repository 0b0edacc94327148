"""Which source a file belongs to, and what an unknown one is told."""

from pathlib import Path

import pytest

from okr_common.errors import PermanentError
from okr_common.paths import repository
from okr_common.sources import Column, MissingColumn, Recognised, Sources, load_sources, missing_columns

MTA_HEADER = [
    *("INDICATOR_SEQ", "PARENT_SEQ", "AGENCY_NAME", "INDICATOR_NAME", "DESCRIPTION", "CATEGORY", "FREQUENCY"),
    *("DESIRED_CHANGE", "INDICATOR_UNIT", "DECIMAL_PLACES", "PERIOD_YEAR", "PERIOD_MONTH"),
    *("YTD_TARGET", "YTD_ACTUAL", "MONTHLY_TARGET", "MONTHLY_ACTUAL"),
]
SHIPPED = (repository() / "configs" / "sources" / "mta_nyct.yaml").read_text(encoding="utf-8")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "mta_nyct.yaml").write_text(SHIPPED, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("title: [", encoding="utf-8")
    return load_sources(tmp_path)


def refusal(sources: Sources, path: str, header: list[str], hint: str | None = None) -> PermanentError:
    with pytest.raises(PermanentError) as caught:
        sources.recognise(path, header, hint)
    return caught.value


def test_by_the_columns_of_the_header(sources: Sources) -> None:
    assert sources.recognise("any.csv", MTA_HEADER) == Recognised("mta_nyct", "conditions")
    assert sources.recognise("any.csv", [f" {name} " for name in MTA_HEADER]) == Recognised("mta_nyct", "conditions")


def test_by_the_folder_whatever_the_header(sources: Sources) -> None:
    assert sources.recognise("mta_nyct/any.csv", ["x"]) == Recognised("mta_nyct", "folder")
    assert refusal(sources, "broken/any.csv", MTA_HEADER).reason == "broken_mapping"


def test_by_a_hint_before_all(sources: Sources) -> None:
    assert sources.recognise("broken/any.csv", ["x"], hint="mta_nyct") == Recognised("mta_nyct", "hint")
    assert "known: mta_nyct" in str(refusal(sources, "any.csv", MTA_HEADER, hint="mtanyct"))


def test_a_source_whose_file_is_still_empty_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "goals.yaml").touch()
    sources = load_sources(tmp_path)
    for path, hint in (("any.csv", "goals"), ("goals/any.csv", None)):
        why = refusal(sources, path, MTA_HEADER, hint)
        assert why.reason == "unrecognised"
        assert str(why).startswith(f"{tmp_path / 'goals.yaml'} is empty: ")


def test_a_transposed_file_by_its_first_cell_and_its_path_and_upright_ones_by_their_columns(tmp_path: Path) -> None:
    recognise = SHIPPED.index("recognise:"), SHIPPED.index("columns:\n  indicator")
    known = f'recognise: {{ columns: {MTA_HEADER[:3]}, path: "*kpi_*.csv" }}\nrows: {{ transposed: Name of all }}\n'
    (tmp_path / "mta_nyct.yaml").write_text(SHIPPED[: recognise[0]] + known + SHIPPED[recognise[1] :], encoding="utf-8")
    sources = load_sources(tmp_path)
    lying = [" name of All ", "first", "second"]
    assert sources.recognise("in/kpi_2014.csv", lying).source == "mta_nyct"
    assert sources.recognise("in/kpi_2018.csv", MTA_HEADER).source == "mta_nyct"
    assert sources.is_header("in/kpi_2014.csv", lying)
    assert not missing_columns(sources.mappings["mta_nyct"], lying), "its lines tell, not its header"
    assert missing_columns(sources.mappings["mta_nyct"], lying[1:])
    assert refusal(sources, "in/other.csv", lying).reason == "unrecognised"
    assert refusal(sources, "in/kpi_2014.csv", lying[1:]).reason == "unrecognised"


def test_a_column_is_found_by_its_name_then_by_others_then_by_a_glob() -> None:
    column = Column.model_validate({"from": "End", "also": ["Due"], "like": ["due date*", "?n?"], "type": "date"})
    assert column.found(["Due date\n(latest)", "Due", "End"]) == "End"
    assert column.found(["Due date\n(latest)", "Due"]) == "Due"
    assert column.found(["ends", "END", "Due date\n(latest)"]) == "Due date\n(latest)", "the first glob before the next"
    assert column.found(["ends", "END"]) == "END", "the whole name, whatever its case"
    assert column.found(["ends"]) is None


def test_by_a_pattern_of_the_path(tmp_path: Path) -> None:
    recognise = SHIPPED.index("recognise:"), SHIPPED.index("columns:\n  indicator")
    text = SHIPPED[: recognise[0]] + 'recognise: { path: "*/kpi_*.csv" }\n' + SHIPPED[recognise[1] :]
    (tmp_path / "mta_nyct.yaml").write_text(text, encoding="utf-8")
    sources = load_sources(tmp_path)
    assert sources.recognise("in/kpi_2017.csv", ["x"]).source == "mta_nyct"
    assert refusal(sources, "in/other.csv", MTA_HEADER).reason == "unrecognised"


def test_where_a_mapping_cannot_be_read_a_file_nobody_knows_is_told_that_first(sources: Sources) -> None:
    """It may be the one that was meant; that its header is unknown would send the reader the wrong way."""
    error = refusal(sources, "any.csv", ["a", "b"])
    assert error.reason == "broken_mapping"
    assert "broken.yaml:1: " in str(error)
    assert "write a mapping for it" in str(error)


def test_an_unknown_header_is_told_the_nearest_mapping(tmp_path: Path) -> None:
    (tmp_path / "mta_nyct.yaml").write_text(SHIPPED, encoding="utf-8")
    sources = load_sources(tmp_path)
    header = [name.replace("YTD_TARGET", "YTD_TARGT") for name in MTA_HEADER]
    error = refusal(sources, "any.csv", header)
    assert error.reason == "unrecognised"
    assert "The nearest is mta_nyct, which also reads YTD_TARGET (the file has YTD_TARGT)." in str(error)
    assert "write a mapping for it" in str(refusal(sources, "any.csv", ["a", "b"]))


def test_two_mappings_for_one_file_are_both_named(tmp_path: Path) -> None:
    (tmp_path / "mta_nyct.yaml").write_text(SHIPPED, encoding="utf-8")
    (tmp_path / "twin.yaml").write_text(SHIPPED, encoding="utf-8")
    error = refusal(load_sources(tmp_path), "any.csv", MTA_HEADER)
    assert error.reason == "ambiguous"
    assert "mta_nyct and twin" in str(error)


def test_missing_columns_are_named_with_the_nearest(sources: Sources) -> None:
    mapping = sources.mappings["mta_nyct"]
    assert missing_columns(mapping, MTA_HEADER) == []
    assert missing_columns(mapping, [*MTA_HEADER[:-3], "YTD_ACTUALS"]) == [MissingColumn("YTD_ACTUAL", "YTD_ACTUALS")]
    assert MissingColumn("AGENCY_NAME", None) in missing_columns(mapping, ["q"])
