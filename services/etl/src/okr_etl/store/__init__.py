"""The databases: what etl reads from okr_raw, and its transactions in okr_processed and okr_curated."""

from okr_common.sql import queries

SQL = queries("okr_etl")
"""All statements of etl by name."""
LONG_SECONDS = 3_600.0
"""For a statement over a whole source, or all of them; the pool's own limit is for those of a batch."""
