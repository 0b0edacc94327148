"""Databases as migration left them, again and again: for tests and for a demo that begins anew."""

import asyncio
from collections.abc import Sequence

import asyncpg

from okr_common.postgres.names import DATABASES


async def keep(admin_dsn: str) -> None:
    """Remember how the databases are now; nobody else may be connected to them."""
    await _run(admin_dsn, [_copy(f"okr_{name}", f"pristine_{name}") for name in DATABASES])


async def restore(admin_dsn: str) -> None:
    """Bring the databases back to what was kept. Whoever is connected to them is thrown out."""
    await _run(admin_dsn, [_copy(f"pristine_{name}", f"okr_{name}") for name in DATABASES])


def _copy(template: str, database: str) -> tuple[str, str]:
    return (
        f'drop database if exists "{database}" with (force)',
        f'create database "{database}" template "{template}"',
    )


async def _run(admin_dsn: str, sequences: Sequence[Sequence[str]]) -> None:
    """Each sequence on a connection of its own, all at once."""
    await asyncio.gather(*(_one_after_another(admin_dsn, statements) for statements in sequences))


async def _one_after_another(admin_dsn: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(admin_dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
