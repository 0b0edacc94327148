"""What would be made of rows is what is made of them."""

from datetime import UTC, datetime

from okr_common.sources import Mapping
from okr_etl.domain.preview import preview, unloaded
from okr_etl.testing.shipped import shipped

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_counts_records_and_rejected_rows(mta: Mapping, mta_file: tuple[list[str], list[list[str]]]) -> None:
    header, rows = mta_file
    value = header.index("YTD_ACTUAL")
    bad = [*rows[1][:value], "soon", *rows[1][value + 1 :]]
    shown = preview(mta, unloaded(header, [rows[0], bad, *rows[2:100]], "x.csv", NOW), 3)
    assert (shown.rows, shown.good, len(shown.records)) == (100, 99, 3)
    assert shown.reasons == {"not_a_number:value": 1}
    assert [one["row_num"] for one in shown.rejected] == [2]
    assert [one["row_num"] for one in shown.records] == [1, 3, 4]
    assert shown.entities["check_in"] == 99
    assert shown.records[0]["key_result"]["attributes"]["indicator"] == rows[0][0]


def test_a_row_that_contradicts_one_before_it_is_told_as_loading_rejects_it(
    mta: Mapping, mta_file: tuple[list[str], list[list[str]]]
) -> None:
    header, rows = mta_file
    value = header.index("YTD_ACTUAL")
    other = [*rows[0][:value], "1.5", *rows[0][value + 1 :]]
    shown = preview(mta, unloaded(header, [rows[0], rows[0], other], "x.csv", NOW), 3)
    assert (shown.rows, shown.good, shown.reasons) == (3, 2, {"contradicts_earlier_row": 1})
    assert [one["row_num"] for one in shown.rejected] == [3]
    assert [one["row_num"] for one in shown.records] == [1, 2]


def test_no_rows(mta: Mapping, mta_file: tuple[list[str], list[list[str]]]) -> None:
    shown = preview(mta, unloaded(mta_file[0], [], "x.csv", NOW), 3)
    assert (shown.rows, shown.good, shown.records, shown.rejected) == (0, 0, [], [])


def test_objects_of_an_api_count_as_rows_whatever_they_hold() -> None:
    update = {
        "id": "c1",
        "checkin_date": "2026-01-12T00:00:00.000Z",
        "updated_at": "2026-01-12T09:00:00.000Z",
        "score": 10**30,
    }
    plan = {"id": "p", "title": "Grow", "start_at": "2026-01-01T00:00:00.000Z", "finish_at": "2026-03-31T00:00:00.000Z"}
    outcome = {
        "id": "o",
        "title": "Signups",
        "to": 5,
        "plan": plan,
        "checkins": [update, update | {"id": "c2", "score": 2}],
    }
    shown = preview(shipped("tability"), unloaded([], [outcome, outcome | {"checkins": []}], "", NOW), 3)
    assert (shown.rows, shown.good, shown.entities["check_in"]) == (2, 1, 2)
    assert (shown.left_out, shown.repeated) == (1, 0), "nobody is to look for a mistake in it"
    assert [one["check_in"]["value"] for one in shown.records] == [1e30, 2.0]
