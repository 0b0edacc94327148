"""Plain SQL migrations: deploy/migrations/<database>/NNNN_name.sql in order, each in its own transaction, once.

`every/` goes first into each database; `grants.sql` is applied again after any change.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from okr_common import paths
from okr_common.errors import FatalError
from okr_common.postgres.names import DATABASES, database_dsn
from okr_common.topology import STAGES

READ_ONLY = "okr_readonly"
ROLES = (*(stage.role for stage in STAGES.values()), READ_ONLY)
JOURNAL = """create table if not exists schema_migration (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now())"""
LOCK = 0x6F6B72
"""Advisory lock: one migration at a time."""


async def migrate(admin_dsn: str, passwords: Mapping[str, str]) -> list[str]:
    """Brings the server to this version: roles (with these passwords), databases, migrations, grants.

    Returns the migrations that were applied now. Raises FatalError where an applied file has changed since.
    """
    server = await asyncpg.connect(admin_dsn)
    try:
        await server.execute("select pg_advisory_lock($1)", LOCK)
        await _roles(server, passwords)
        await _databases(server)
        applied = await asyncio.gather(*(_database(database_dsn(admin_dsn, name), name) for name in DATABASES))
    finally:
        await server.close()
    return [migration for names in applied for migration in names]


async def _roles(server: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    existing = {row["rolname"] for row in await server.fetch("select rolname from pg_roles")}
    for role in ROLES:
        if role not in existing:
            await server.execute(f'create role "{role}" login')
        if role in passwords:
            quoted = await server.fetchval("select quote_literal($1::text)", passwords[role])
            await server.execute(f'alter role "{role}" password {quoted}')


async def _databases(server: asyncpg.Connection) -> None:
    existing = {row["datname"] for row in await server.fetch("select datname from pg_database")}
    for name in DATABASES:
        if f"okr_{name}" not in existing:
            await server.execute(f'create database "okr_{name}"')


async def _database(dsn: str, name: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(JOURNAL)
        known = {
            row["name"]: row["sha256"] for row in await connection.fetch("select name, sha256 from schema_migration")
        }
        pending = _pending(_migrations(name), known)
        for migration, text in pending.items():
            await _apply(connection, migration, text)
        await connection.execute(_grants(name))
        return list(pending)
    finally:
        await connection.close()


def _folder() -> Path:
    return paths.repository() / "deploy" / "migrations"


def _grants(database: str) -> str:
    return (_folder() / database / "grants.sql").read_text()


def _migrations(database: str) -> dict[str, str]:
    folders = (_folder() / "every", _folder() / database)
    return {
        f"{path.parent.name}/{path.name}": path.read_text() for one in folders for path in sorted(one.glob("0*.sql"))
    }


def _pending(migrations: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    for name, text in migrations.items():
        if name in known and known[name] != _digest(text):
            raise FatalError(f"{name} has changed since it was applied; put the change into a new migration")
    return {name: text for name, text in migrations.items() if name not in known}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def _apply(connection: asyncpg.Connection, name: str, text: str) -> None:
    async with connection.transaction():
        await connection.execute(text)
        await connection.execute("insert into schema_migration (name, sha256) values ($1, $2)", name, _digest(text))
