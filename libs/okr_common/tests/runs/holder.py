"""A process that executes etl runs and stays in the step `ingest_raw` until a file appears: to be killed or paused.

Arguments: the DSN of okr_ops, the lease in seconds, the file.
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from okr_common import logs
from okr_common.postgres.pool import open_pool
from okr_common.run_steps import RunContext
from okr_common.runner import Runner
from okr_common.testing.scripted import Script
from okr_common.topology import STAGES


async def main(dsn: str, lease: str, file: str) -> None:
    async def stay(_: RunContext) -> Mapping[str, Any]:
        while not Path(file).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
            await asyncio.sleep(0.02)
        return {"by": "holder"}

    steps = Script(STAGES["etl"], ingest_raw=stay).steps
    runner = Runner(
        await open_pool(dsn, "holder"),
        STAGES["etl"],
        steps,
        holder="holder",
        announced=lambda: None,
        lease=timedelta(seconds=float(lease)),
    )
    await runner.run(asyncio.Event())


logs.configure("holder", "INFO")
asyncio.run(main(*sys.argv[1:]))
