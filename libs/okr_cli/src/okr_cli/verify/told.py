"""okr_ops against okr_predictions: what was published is what is stored, under one id."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from okr_cli.verify.evidence import Evidence
from okr_cli.verify.finding import Check
from okr_cli.verify.published import clashes
from okr_cli.verify.topics import Log, Logs, digest, numbered

COMPACTED = timedelta(days=6)
"""Older ones the broker may have compacted away: of a key only the newest must stay."""
SAME = (
    *("model", "model_version", "kind", "source", "key_result", "seq"),
    *(
        "probability",
        "probability_low",
        "probability_high",
        "risk",
        "forecast",
        "forecast_low",
        "forecast_high",
        "target",
    ),
)


async def check(of: Evidence, logs: Logs) -> list[Check]:
    """The predictions on the topic."""
    return [await _predictions(of, logs.predictions)]


async def _predictions(of: Evidence, log: Log) -> Check:
    check = Check("topics: predictions", "what was published of a prediction is what is stored, and nothing else was")
    unseen = dict(log.facts)
    before = datetime.now(UTC) - COMPACTED
    async for row in of.ops.stream("published_predictions"):
        fact = unseen.pop(str(row["prediction_id"]), None)
        where = f"{row['model']}: {row['key_result']}, prediction {row['seq']}"
        if fact is not None:
            check.must_be(f"{where} at {fact.where}", digest(stored(row)), fact.digest)
        elif row["made_at"] > before:
            check.find(where, "published once or more", "never published")
    for about, fact in unseen.items():
        check.find(f"{about} at {fact.where}", "a row in prediction", "none")
    clashes(check, log)
    return check


def stored(row: asyncpg.Record) -> dict[str, Any]:
    """The stored prediction as it must stand on the topic."""
    check_in = row["check_in_id"]
    return numbered(
        {name: row[name] for name in SAME}
        | {
            "prediction_id": str(row["prediction_id"]),
            "key_result_id": str(row["key_result_id"]),
            "check_in_id": None if check_in is None else str(check_in),
            "check_in_revision": None if check_in is None else row["revision"],
            "knowledge_time": row["knowledge_time"].isoformat(),
            "due_on": str(row["due_on"]),
            "reasons": orjson.loads(row["reasons"]),
            "baselines": orjson.loads(row["baselines"]),
            "batch_id": row["batch_id"],
            "row_num": row["row_num"],
            "made_at": row["made_at"].isoformat(),
        }
    )
