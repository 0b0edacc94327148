"""The DAG of the trainer: from the cron tick of six, with a set clock, to a version and events this tick caused."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from okr_common import codec, crash, runs
from okr_common.clock import Clock
from okr_common.errors import PermanentError
from okr_common.events import Event, ModelDrifted, ModelEvaluated, ModelRegistered, ModelRunStepEnded, ModelTrained
from okr_common.kafka.admin import end_offsets
from okr_common.postgres import ledger
from okr_common.run_steps import RunContext
from okr_common.runs import Run, RunState
from okr_common.service import Parts
from okr_common.settings import load
from okr_common.testing.cadence import Cadence, cadence
from okr_common.testing.waiting import until
from okr_common.topics import MODEL_EVENTS, PREDICTIONS, PROCESSED_RECORDS
from okr_stack.services import environment
from okr_trainer import ageing, store
from okr_trainer.domain import drift
from okr_trainer.domain.risk import CutPoints
from okr_trainer.progress import Progress
from okr_trainer.reads import Reads
from okr_trainer.service import STAGE, build
from okr_trainer.settings import Settings, TrainerSettings
from okr_trainer.steps import TrainerSteps
from okr_trainer.testing import Company

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
TWO, SIX = datetime(2026, 11, 24, 2, tzinfo=UTC), datetime(2026, 11, 24, 6, tzinfo=UTC)
LEARNED = "select count(*) from outcome_heard where learned > 0"
Scene = Any


@asynccontextmanager
async def morning(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cadence]:
    """A minute before six."""
    for name, value in environment(STAGE, scene.stack.addresses, 0).items():
        monkeypatch.setenv(name, value)
    settings = load(Settings)

    async def at(closing: AsyncExitStack, clock: Clock) -> Parts:
        return await build(closing, settings, clock)

    async with cadence("trainer", SIX, settings.postgres.ops, at) as the:
        yield the


async def etl_ended(scene: Scene, ops: asyncpg.Pool, at: datetime = TWO) -> None:
    """That day's run of etl is there: it published up to where the records end now."""
    run = Run(runs.run_id("etl", at, "cron"), "etl", at, "cron", RunState.SUCCEEDED)
    ends = end_offsets(scene.stack.bootstrap, PROCESSED_RECORDS)
    detail = {"end_offsets": {PROCESSED_RECORDS.name: {str(key): value for key, value in ends.items()}}}
    async with ops.acquire() as connection, connection.transaction():
        await ledger.insert(connection, run)
        await connection.execute(STEP, run.run_id, orjson.dumps(detail).decode())


STEP = """
insert into run_step (run_id, step, number, attempt, state, detail, ended_at)
values ($1, 'publish', 6, 1, 'succeeded', $2, now())
"""


YEARS = 4
"""After history: so many, with six outcomes each, that the gates have enough to judge by."""
PUT_REPORT = """
with long_ago as (
    insert into run (run_id, pipeline, logical_time, trigger, state, started_at)
    values (gen_random_uuid(), 'trainer', $1, 'cron', 'succeeded', $2) returning run_id, logical_time)
insert into report (run_id, kind, logical_time, verdict, content)
select run_id, 'model_daily', logical_time, 'ok', $3 from long_ago
"""


async def years_are_learned(scene: Scene, past: Company) -> None:
    """Version 1 of history; then some more years, whose outcomes the stream learns."""
    await scene.publish(past.batch())
    await scene.until("select count(*) from model_version where version = 1", 1)
    for year in range(2015, 2015 + YEARS):
        for number in range(6):
            past.year(f"series {number}", year, [96.0 + 1.6 * number + month % 3 for month in range(12)])
    await scene.publish(past.batch())
    await scene.until(LEARNED, 6 * YEARS)


async def _said(scene: Scene) -> list[Event]:
    """The model events, once the run's last step is among them."""
    said = [codec.decode_event(list(one.headers.items()), one.value) for one in scene.read(MODEL_EVENTS.name)]
    steps = [event.step for event in said if isinstance(event, ModelRunStepEnded)]
    return said if steps == list(STAGE.steps) else []


async def test_the_tick_of_six_makes_a_version_of_what_the_stream_has_learned(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with morning(scene, monkeypatch) as the:
        await years_are_learned(scene, past)
        await etl_ended(scene, the.ops)
        run, steps = await the.tick(minutes=1)
        said = await until(lambda: _said(scene), within=10)
        versions = await the.ops.fetch(
            "select version, alias, training, learned, metrics from model_version order by version"
        )
        serving = await the.ops.fetchrow("select version, learned, state_digest from checkpoint")
        registered = await the.ops.fetchrow(
            "select metrics, check_ins, outcomes, state_digest from model_version where version = 2"
        )
        past.define("probe/2019", date(2019, 1, 1))
        await scene.publish(past.batch())
        await scene.until("select max(model_version) from prediction where kind = 'live'", 2)
        slot = await the.slot_state()
        verdict, content = await the.ops.fetchrow("select verdict, content from report where kind = 'model_daily'")
    assert (run.state, run.trigger, slot) == (RunState.SUCCEEDED, "cron", "done"), run.reason
    assert [(row["version"], row["alias"], row["training"]) for row in versions] == [
        *((0, None, 0), (1, "previous", 1), (2, "champion", 1))
    ]
    assert versions[2]["learned"] == versions[1]["learned"] + 6 * YEARS * 13
    assert (serving["version"], serving["learned"]) == (2, versions[2]["learned"])
    assert registered["state_digest"] == serving["state_digest"]
    assert orjson.loads(registered["metrics"])["all"]["n"] == 6 * YEARS * 12
    heard = {"check_ins": 6 * 12 * (5 + YEARS), "outcomes": 6 * (5 + YEARS)}
    assert dict(registered.items()) | heard == dict(registered.items())
    assert steps["train_initial"]["reason"] == "nothing_to_do"
    assert steps["update_incrementally"]["models"]["acme"] == {**heard, "unanswered": 0, "unheard": 0}
    assert (steps["evaluate_validate"]["acme"]["n"], steps["evaluate_validate"]["acme"]["since"]) == (
        *(6 * YEARS * 12, None),
    )
    learned = {"version": 2, "serves": True, "reasons": [], "learned": versions[2]["learned"]}
    assert steps["register"] == {"acme": learned}
    stands = steps["track_performance"]["acme"]
    assert (stands["n"], stands["week_before"]) == (6 * YEARS * 12, None)
    assert stands["log_loss"] == steps["evaluate_validate"]["acme"]["scores"]["model"]["log_loss"]
    assert (verdict, orjson.loads(content)["models"]["acme"]["week"]) == (stands["verdict"], stands)
    assert [event.version for event in said if isinstance(event, ModelTrained)] == [1]
    assert [event.version for event in said if isinstance(event, ModelEvaluated)] == [1, 2]
    assert [event.version for event in said if isinstance(event, ModelRegistered)] == [1, 2]


async def test_outcomes_that_come_otherwise_are_an_event_and_in_the_run(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What met its target early was reached until now, and is missed from here on. The limit suits a short history."""
    monkeypatch.setattr(drift, "LIMIT", 4.0)
    async with morning(scene, monkeypatch) as the:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        for number in range(80):
            name = f"other {number}/2015"
            past.define(name, date(2015, 1, 1))
            past.check_in(name, date(2015, 6, 30), 104.0)
            past.outcome(name, date(2015, 12, 31), 96.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until(LEARNED, 80)
        await etl_ended(scene, the.ops)
        run, steps = await the.tick(minutes=1)
        said = await until(lambda: _said(scene), within=10)
        metrics = orjson.loads(await the.ops.fetchval("select metrics from model_version where version = 2"))
    assert run.state is RunState.SUCCEEDED, run.reason
    (drifted,) = [event for event in said if isinstance(event, ModelDrifted)]
    assert (drifted.model, drifted.version, drifted.kind) == ("acme", 1, "fewer_achieved")
    assert drifted.outcomes >= 50
    found = {"found": 1, "last": "fewer_achieved", "outcomes_since": 30 + 80 - drifted.outcomes}
    assert steps["evaluate_validate"]["acme"]["drift"] == metrics["drift"] == found


async def test_labels_since_the_last_good_run_are_evaluated_and_the_week_before_is_beside_them(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six outcomes before the last run and none since: nothing is evaluated twice, but the week has them."""
    week_ago = {"models": {"acme": {"week": {"log_loss": 0.01}}}}
    async with morning(scene, monkeypatch) as the:
        await years_are_learned(scene, past)
        now = await scene.ops.fetchval("select now()")
        await scene.ops.execute(PUT_REPORT, SIX - timedelta(days=8), now, orjson.dumps(week_ago).decode())
        await etl_ended(scene, the.ops)
        run, steps = await the.tick(minutes=1)
    assert run.state is RunState.SUCCEEDED, run.reason
    assert (steps["evaluate_validate"]["acme"]["n"], steps["evaluate_validate"]["acme"]["since"]) == (
        *(0, now.isoformat()),
    )
    stands = steps["track_performance"]["acme"]
    assert (stands["n"], stands["week_before"], stands["verdict"]) == (6 * YEARS * 12, 0.01, "attention")
    assert stands["change"] == pytest.approx(stands["log_loss"] - 0.01, abs=1e-5)


async def test_the_tick_of_six_trains_what_no_event_had_trained(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with morning(scene, monkeypatch) as the:
        await scene.publish(past.batch(), told=False)
        await scene.settled(6 * 5 * 13)
        assert await the.ops.fetchval("select max(version) from model_version") == 0
        await etl_ended(scene, the.ops)
        run, steps = await the.tick(minutes=1)
        said = await until(lambda: _said(scene), within=10)
    assert run.state is RunState.SUCCEEDED, run.reason
    made = {"version": 1, "serves": True, "reasons": [], "check_ins": 360, "outcomes": 30, "trained": True}
    assert steps["train_initial"]["acme"] == made
    assert steps["register"]["reason"] == "nothing_to_do"
    assert [event.version for event in said if isinstance(event, ModelTrained)] == [1]


async def test_a_training_that_was_committed_though_the_answer_was_lost_is_what_answers(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this process remembers from before would write version 0 over it, and nobody would train again."""
    lost: list[str] = []

    def the_answer_is_lost(point: str) -> None:
        if point == "after_training_commit" and not lost:
            lost.append(point)
            raise ConnectionResetError(point)

    monkeypatch.setattr(crash, "point", the_answer_is_lost)
    async with morning(scene, monkeypatch) as the:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        past.define("probe/2016", date(2016, 1, 1))
        await scene.publish(past.batch())
        await scene.until("select max(model_version) from prediction where kind = 'live'", 1)
        assert await the.ops.fetchval("select version from checkpoint") == 1
    assert lost


async def test_a_check_in_without_its_row_fails_the_run_and_is_counted(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with morning(scene, monkeypatch) as the:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        await scene.ops.execute(
            "delete from prediction where prediction_id = "
            "(select prediction_id from prediction where kind in ('live', 'late') and check_in_id is not null limit 1)"
        )
        await etl_ended(scene, the.ops)
        run, steps = await the.tick(minutes=1)
    assert run.state is RunState.FAILED
    assert steps["update_incrementally"]["reason"] == "unanswered"
    assert "acme: 1 check-in, 0 outcomes" in steps["update_incrementally"]["error"]
    assert steps["register"]["reason"] == "not_reached"


async def test_the_tick_of_six_judges_the_silent_ones_again_once_a_day(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ageing, "PAGE", 2)
    async with morning(scene, monkeypatch) as the:
        await scene.publish(past.batch())
        await scene.until("select count(*) from model_version where version = 1", 1)
        for number in range(5):
            past.define(f"silent {number}/2015", date(2015, 1, 1))
            past.check_in(f"silent {number}/2015", date(2015, 1, 31), 96.0 + 2 * number)
        past.define("speaks/2015", date(2015, 1, 1))
        past.check_in("speaks/2015", date(2015, 10, 2), 101.0)
        await scene.clock("data", date(2015, 10, 2))
        await scene.publish(past.batch())
        await scene.settled(6 * 5 * 13 + 12)
        await etl_ended(scene, the.ops)
        _, steps = await the.tick(minutes=1)
        assert steps["update_incrementally"]["aged"] == {"acme": 5}
        shown = await Reads(the.ops, the.ops, TrainerSettings(), the.clock).predictions(
            UUID(past.key_result_id("silent 0/2015")), None, 9
        )
        held = await the.ops.fetch(
            "select kind from key_result_state s join prediction using (prediction_id) where s.open"
        )
        await etl_ended(scene, the.ops, TWO + timedelta(days=1))
        _, again = await the.tick(days=1)
        assert again["update_incrementally"]["aged"] == {"acme": 0}

        past.outcome("silent 0/2015", date(2015, 12, 31), 96.0, achieved=False)
        await scene.publish(past.batch())
        await scene.until("select count(*) from outcome_heard where learned = 2", 1)
        scored = (await store.scored(the.ops, "acme", "aged")).rows
        await scene.until("select count(*) from delivery.outbox where sent_at is null", 0)
    assert [(one["kind"], one["seq"]) for one in shown] == [("aged", 3), ("live", 2), ("live", 1)]
    assert (shown[0]["check_in_id"], shown[0]["elapsed"]) == (None, pytest.approx(274 / 364, abs=1e-6))
    assert sorted(row["kind"] for row in held) == ["aged"] * 5 + ["live"]
    said = [one for one in scene.published(PREDICTIONS.name) if one["key_result"] == "silent 0/2015"]
    assert [(one["kind"], one["seq"], one["check_in_revision"]) for one in said] == [
        *(("live", 1, None), ("live", 2, 1), ("aged", 3, None))
    ]
    assert [(one.elapsed, one.achieved) for one in scored] == [(pytest.approx(274 / 364, abs=1e-6), False)]


FAIL = """
insert into work_item (pipeline, kind, subject, state, ended_at, result)
values ('trainer', 'train_initial', 'acme', 'failed', now(), '{"error": "row 5 is no version"}')
"""

LOST = """
with known as (insert into model (model, sources) values ('beta', '{beta}')),
rule as (insert into model_version (model, version, alias, training, pipeline, contract_hash, libraries)
         select 'beta', 0, 'champion', 0, pipeline, contract_hash, libraries from model_version where version = 0)
insert into checkpoint (model, version, training, marks, outcomes, achieved, learned, contract_hash, libraries)
select 'beta', 0, 0, '{}', 1, 1, 0, contract_hash, libraries from checkpoint where model = 'acme'
"""
"""A model whose outcome is nowhere to be found, so that its training fails."""
DONE = """
insert into work_item (pipeline, kind, subject, state, ended_at, result)
values ('trainer', 'train_again', 'acme', 'done', now(), '{}') returning item_id
"""


async def _beside_one_that_fails(scene: Scene, the: Cadence) -> str:
    """What the step says where the training of another model fails meanwhile."""
    await scene.ops.execute(LOST)
    run = Run(runs.run_id("trainer", TWO, "cron"), "trainer", TWO, "cron", RunState.SUCCEEDED)
    async with the.ops.acquire() as connection:
        await ledger.insert(connection, run)
    steps = TrainerSteps(Progress(the.ops, the.ops, CutPoints()))
    with pytest.raises(PermanentError) as raised:
        await steps.train_initial(RunContext(run, STAGE, the.ops, {}, {}, lambda: None))
    await scene.ops.execute("delete from checkpoint where model = 'beta'")
    await scene.ops.execute("delete from work_item where subject = 'beta'")
    await scene.ops.execute("delete from run where run_id = $1", run.run_id)
    return str(raised.value)


async def test_a_training_that_fails_again_and_again_is_tried_once_a_week_and_the_run_says_what_to_do(
    scene: Scene, past: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with morning(scene, monkeypatch) as the:
        for _ in range(3):
            await scene.ops.execute(FAIL)
        await scene.publish(past.batch())
        await scene.settled(6 * 5 * 13)
        await etl_ended(scene, the.ops)
        run, steps = await the.tick(minutes=1)
        tried = await scene.ops.fetchval(
            "select count(*) from work_item where kind like 'train%' and state <> 'failed'"
        )

        beside = await _beside_one_that_fails(scene, the)

        await scene.ops.execute("update work_item set ended_at = now() - interval '8 days' where state = 'failed'")
        await etl_ended(scene, the.ops, TWO + timedelta(days=1))
        next_run, next_steps = await the.tick(days=1)
        assert await scene.ops.fetchval("select max(version) from model_version") == 1
    assert beside.startswith("train_initial: beta: there is no outcome to learn from yet; acme: 3 trainings failed")
    assert (run.state, tried) == (RunState.DEGRADED, 0)
    assert "train_initial" in (run.reason or "")
    assert steps["train_initial"]["reason"] == "training_postponed"
    told = steps["train_initial"]["error"]
    assert told.startswith("acme: 3 trainings failed one after another, the last on ")
    assert "row 5 is no version. Mend that, then `okr models rebuild acme`" in told
    assert steps["update_incrementally"]["models"]["acme"]["unanswered"] == 0
    assert next_run.state is RunState.SUCCEEDED, next_run.reason
    assert next_steps["train_initial"]["acme"]["trained"] is True


async def test_any_training_that_was_done_ends_a_row_of_failures(scene: Scene) -> None:
    async with asyncpg.create_pool(scene.stack.admin_dsn("okr_ops"), min_size=1, max_size=1) as ops:
        progress = Progress(ops, ops, CutPoints())
        await scene.ops.execute(FAIL)
        await scene.ops.execute(FAIL.replace('{"error": "row 5 is no version"}', "{}"))
        assert [(one.failures, one.error) for one in await progress.failing()] == [(2, None)]
        await scene.ops.execute(DONE)
        assert await progress.failing() == []
        await scene.ops.execute(FAIL)
        assert [(one.failures, one.error) for one in await progress.failing()] == [(1, "row 5 is no version")]
