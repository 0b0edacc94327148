"""Rows that are about to be written read as PostgreSQL tells them afterwards."""

from datetime import UTC, datetime

import polars as pl
import pytest

from okr_etl.store.records import COLUMNS, as_written


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (datetime(2024, 3, 10, 20, 0, 0, tzinfo=UTC), "2024-03-10 20:00:00"),
        (datetime(2024, 3, 10, 20, 0, 10, 500_000, tzinfo=UTC), "2024-03-10 20:00:10.5"),
        (datetime(2024, 3, 10, 20, 0, 0, 1, tzinfo=UTC), "2024-03-10 20:00:00.000001"),
        (datetime(987, 1, 1, tzinfo=UTC), "0987-01-01 00:00:00"),
    ],
)
def test_a_time_has_as_many_places_as_it_needs(time: datetime, told: str) -> None:
    row = dict.fromkeys(COLUMNS, 1) | {"knowledge_time": time, "closed": None}
    frame = pl.DataFrame([row], schema_overrides={"knowledge_time": pl.Datetime("us", "UTC")})
    assert as_written(frame)["knowledge_time"].to_list() == [told]
