"""The sample, its mapping, and a source in memory that reads it."""

import csv
import io

import pytest

from okr_common.paths import repository
from okr_common.sources import Mapping
from okr_common.topology import STAGES
from okr_etl.testing import MemorySource, RawWriter
from okr_etl.testing.shipped import shipped
from okr_stack.testing import StackUnderTest

Table = tuple[list[str], list[list[str]]]


@pytest.fixture(scope="session")
def mta() -> Mapping:
    return shipped("mta_nyct")


@pytest.fixture(scope="session")
def mta_file() -> Table:
    """Header and rows of the sample."""
    file = repository() / "samples" / "mta_nyct" / "Performance_NYCT.csv"
    header, *rows = csv.reader(io.StringIO(file.read_bytes().decode("cp1252"), newline=""), strict=True)
    return header, rows


@pytest.fixture
def memory(mta: Mapping, mta_file: Table) -> MemorySource:
    """An empty source with the sample's mapping and header."""
    return MemorySource(mta, mta_file[0])


@pytest.fixture
def raw(fresh_stack: StackUnderTest) -> RawWriter:
    """Writes into an empty okr_raw."""
    return RawWriter(fresh_stack.dsn(STAGES["ingest-csv"].role, "raw"), fresh_stack.bootstrap)
