"""A misbehaving server, and what fetches from it into a real okr_raw."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from okr_common.postgres.pool import open_pool
from okr_common.sources import Mapping, load_mapping
from okr_common.testing.misbehaving_process import Misbehaving, misbehaving
from okr_ingest_api.testing import SOURCE, STAGE, Fetching
from okr_stack.testing import StackUnderTest

TABLES = (
    "unreadable",
    "raw_row",
    "batch",
    "api_gone",
    "api_object",
    "api_request",
    "file",
    "source",
    "delivery.outbox",
)


@pytest.fixture(scope="session")
def server_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Misbehaving]:
    with misbehaving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def server(server_process: Misbehaving) -> Misbehaving:
    """The server, empty and well-behaved."""
    server_process.hold([])
    server_process.script({})
    return server_process


@pytest.fixture
def sources(server: Misbehaving, tmp_path: Path) -> Path:
    """A folder of mappings that holds one, of this server."""
    folder = tmp_path / "sources"
    folder.mkdir()
    server.write_mapping(folder, SOURCE)
    return folder


@pytest.fixture
async def raw(stack: StackUnderTest) -> AsyncIterator[asyncpg.Pool]:
    """okr_raw with nothing in it, as ingest-api's own role sees it; quicker than a fresh stack."""
    stack.up()
    pool = await open_pool(stack.dsn(STAGE.role, "raw"), "test")
    for table in TABLES:
        await pool.execute(f"delete from {table}")
    yield pool
    await pool.close()


@pytest.fixture
def fetching(raw: asyncpg.Pool, sources: Path) -> Fetching:
    mapping = load_mapping(sources / f"{SOURCE}.yaml")
    assert isinstance(mapping, Mapping), mapping
    assert mapping.api is not None
    return Fetching(raw, mapping.api)
