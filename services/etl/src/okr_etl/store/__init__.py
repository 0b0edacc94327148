"""The databases: what etl reads from okr_raw, and its transactions in okr_processed and okr_curated."""

from okr_common.sql import queries

SQL = queries("okr_etl")
"""All statements of etl by name."""
