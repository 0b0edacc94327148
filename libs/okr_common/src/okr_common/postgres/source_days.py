"""What day it is for a source: the one place that says so to whoever judges or lists key results.

Under `clock: wall` it is the day in UTC, under `clock: data` that of the newest `as_of` the source has shown.
"""

from datetime import UTC, date, datetime

from okr_common.postgres.ledger import SQL, Executor


async def todays(processed: Executor, now: datetime) -> dict[str, date]:
    """Today by source, as okr_processed tells. A source that has shown no day yet is left out.

    Its clock is that of the mapping its last batch was applied with.
    """
    rows = await processed.fetch(SQL["source_days"])
    return {row["source"]: row["newest"] if row["by_data"] else now.astimezone(UTC).date() for row in rows}
