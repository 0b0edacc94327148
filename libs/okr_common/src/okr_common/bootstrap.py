"""`python -m okr_common.bootstrap`: brings a server and a broker to this version, once, before the services start.

$OKR_SECRETS names a folder of files that hold server DSNs: `postgres_admin`, and one per role, whose password the role
is given.
"""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from okr_common import settings
from okr_common.errors import OkrError
from okr_common.kafka.admin import ensure_topics
from okr_common.postgres.migrate import ROLES, migrate

WAIT_SECONDS = 60


def passwords(secrets: Path) -> dict[str, str]:
    """The password in each role's DSN. Raises FileNotFoundError where a role has no file."""
    return {role: unquote(urlsplit(_read(secrets / role)).password or "") for role in ROLES}


def _read(file: Path) -> str:
    return file.read_text().strip()


def main() -> None:
    """Migrates, makes the topics, says what was done."""
    secrets = Path(os.environ.get("OKR_SECRETS", "/run/secrets"))
    try:
        applied = asyncio.run(migrate(_read(secrets / "postgres_admin"), passwords(secrets)))
        made = ensure_topics(settings.load(settings.ServiceSettings).kafka.bootstrap, WAIT_SECONDS)
    except (OkrError, OSError) as error:
        sys.exit(f"bootstrap failed: {error}")
    sys.stdout.write(f"migrations applied: {', '.join(applied) or 'none'}; topics made: {', '.join(made) or 'none'}\n")


if __name__ == "__main__":
    main()
