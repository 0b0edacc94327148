"""The four databases of a server."""

from urllib.parse import urlsplit, urlunsplit

DATABASES = ("raw", "processed", "curated", "ops")


def database_dsn(dsn: str, database: str) -> str:
    """The same server and role, another database.

    >>> database_dsn("postgresql://me@host:5432/postgres", "raw")
    'postgresql://me@host:5432/okr_raw'
    """
    return urlunsplit(urlsplit(dsn)._replace(path=f"/okr_{database}"))
