"""What only the wire can show: every message of a whole flow is what docs/asyncapi.yaml promises to other teams."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator

from okr_cli.testing import Flow, Published
from okr_common import paths, topics
from okr_common.clock import utc_now
from okr_common.kafka.reader import Read, read_all
from okr_common.topology import STAGES

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
PROMISED = yaml.safe_load((paths.repository() / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
SOURCES = {f"/okr/{service}" for service in STAGES}
SILENT = {topics.RAW_RECORDS.name, topics.MONITORING_EVENTS.name, topics.DEAD_LETTERS.name}
"""Nothing travels there in this flow: no API, no monitor, nothing wrong."""


def schema_of(topic: str, ce_type: str) -> dict[str, Any]:
    """What the channel promises of this type. Fails where the channel carries no such type."""
    carried = {one["name"]: one["payload"] for one in PROMISED["channels"][topic]["messages"].values()}
    return {"$ref": carried[ce_type]["$ref"], "components": PROMISED["components"]}


def wrong_with(read: Read) -> list[str]:
    """Sentences, none where all is well."""
    headers = read.headers
    found = [] if headers["ce_specversion"] == "1.0" else ["specversion"]
    found += [] if headers["content-type"] == "application/json" else ["content-type"]
    found += [] if headers["ce_source"] in SOURCES else [f"source {headers['ce_source']}"]
    found += [] if TRACEPARENT.fullmatch(headers["traceparent"]) else ["traceparent"]
    found += [] if UUID(headers["ce_id"]).version in {4, 5} else ["id"]
    found += [] if datetime.fromisoformat(headers["ce_time"]) <= utc_now() else ["time"]
    validator = Draft202012Validator(schema_of(read.topic, headers["ce_type"]))
    return found + [error.message for error in validator.iter_errors(orjson.loads(read.value or b""))]


async def test_every_message_of_a_flow_is_as_promised(flow: Flow, published: Published) -> None:
    rows = published.of_years(2008)
    with flow.stack.supervised(["ingest-csv", "etl", "trainer"], {"OKR_SCHEDULE__CLOCK_STARTS_AT": TWO}):
        flow.drop("history.csv", published.encoded(rows))
        await flow.predicted(len(rows))
        await flow.until("ops", "select max(version) from model_version", 1)
        await flow.until("ops", "select state from run where pipeline = 'etl'", "succeeded")
        await flow.until("ops", "select count(*) from delivery.outbox where sent_at is null", 0)
    said = list(read_all(flow.stack.bootstrap, list(topics.TOPICS)))
    assert {read.topic for read in said} == topics.TOPICS.keys() - SILENT
    assert {
        f"{read.topic}: {read.headers['ce_type']}: {sentence}" for read in said for sentence in wrong_with(read)
    } == set()
    of_the_model = {read.partition for read in said if read.topic == topics.PROCESSED_RECORDS.name}
    assert of_the_model == {topics.partition_for("mta_nyct", topics.PROCESSED_RECORDS.partitions)}
    ids = [read.headers["ce_id"] for read in said]
    assert len(ids) == len(set(ids)), "nothing was sent twice, so no id stands twice"


TWO = "2026-11-24T01:59:58Z"
"""Two seconds before etl's hour, which is also ingest-csv's."""
