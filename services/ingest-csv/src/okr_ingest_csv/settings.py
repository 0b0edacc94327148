"""Settings of ingest-csv: the group `ingest_csv`."""

from pathlib import Path

from pydantic import Field

from okr_common.settings import Group, ServiceSettings


class IngestCsvSettings(Group):
    """Where files come from, when they count as complete, and how much is done at once."""

    folders: tuple[Path, ...] = Field((Path("data/raw"),), description="watched; made at start where they are missing")
    patterns: tuple[str, ...] = Field(("*.csv",), description="names to take, upper and lower case alike")
    stable_seconds: float = Field(
        2.0,
        ge=0,
        description="a file that nobody saw being closed is complete when it was not written to for this long",
    )
    rescan_seconds: float = Field(
        60.0, gt=0, description="between two looks into the folders, beside the live watch and the scheduled sweep"
    )
    batch_rows: int = Field(
        50_000,
        ge=1,
        le=1_000_000,
        description="rows per transaction: what a crash reads again, and what etl takes at once",
    )
    max_columns: int = Field(5_000, ge=1, description="a header with more columns is refused: too_many_columns")
    max_header_bytes: int = Field(
        65_536, ge=1, le=524_288, description="a header with more characters is refused: header_too_long"
    )
    max_cell_bytes: int = Field(
        1_048_576,
        ge=1_024,
        le=16_777_216,
        description="a larger cell makes its record unreadable: cell_too_large; a record over twice this is not parsed",
    )
    max_rows: int = Field(100_000_000, ge=1, description="a file with more records fails: too_many_rows")
    large_file_bytes: int = Field(
        33_554_432, ge=1, description="a larger file gets a plan first and is read in parts, by several processes"
    )
    readers: int = Field(2, ge=1, le=64, description="processes that read the parts of large files")
    memory_bytes: int = Field(
        268_435_456,
        ge=16_777_216,
        description="for the parts of large files that are being read or stored, all together",
    )
    parallel_sources: int = Field(
        4, ge=1, le=64, description="sources loaded at the same time; each holds a connection"
    )


class Settings(ServiceSettings):
    """What ingest-csv reads."""

    ingest_csv: IngestCsvSettings = IngestCsvSettings()
