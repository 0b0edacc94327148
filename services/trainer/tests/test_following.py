"""In the shadow of any pipeline a challenger becomes, to the last bit, what it would have been had it served."""

from collections import deque
from collections.abc import Iterator
from itertools import groupby

import orjson
import pytest

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.following import Asked, Follower, Lesson, broken
from okr_trainer.domain.inputs import Outcome, knowledge_order
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.predictors import LearnedModel
from okr_trainer.domain.replay import Replay
from okr_trainer.domain.risk import CutPoints
from okr_trainer.testing import Company


def served(past: Company, builder: str) -> tuple[LearnedModel, list[Draft]]:
    replay = Replay.begin("acme", 1, 1, builder, CutPoints())
    drafts = replay.take(sorted(past.said, key=knowledge_order))
    return replay.model, [*drafts, *replay.finish()]


def asked_of(drafts: list[Draft]) -> list[Asked]:
    rows = [one for one in drafts if one.x is not None]
    told = [Asked(one.prediction_id, orjson.loads(orjson.dumps(one.x)), one.learned_before or 0) for one in rows]
    return sorted(told, key=lambda one: one.learned_before)


def lessons_of(past: Company, drafts: list[Draft]) -> Iterator[list[Lesson]]:
    achieved = {one.key_result_id: bool(one.achieved) for one in past.said if isinstance(one, Outcome)}
    learned = sorted((one for one in drafts if one.learned_seq is not None), key=lambda one: one.learned_seq or 0)
    for _, rows in groupby(learned, key=lambda one: one.key_result_id):
        yield [
            Lesson(one.learned_seq or 0, one.prediction_id, achieved[one.key_result_id], one.x or {}, None)
            for one in rows
        ]


@pytest.mark.parametrize("champion", ["newton", "linear_sgd"])
@pytest.mark.parametrize("challenger", sorted(BUILDERS))
def test_it_becomes_what_it_would_have_been(past: Company, champion: str, challenger: str) -> None:
    _, drafts = served(past, champion)
    wanted, its_drafts = served(past, challenger)
    follower = Follower(LearnedModel.new(1, 1, challenger), deque(asked_of(drafts)))
    follower.follow(lessons_of(past, drafts))
    assert follower.model.digest == wanted.digest
    said = {one.prediction_id: (one.raw, one.probability) for one in follower.take_said()}
    assert said == {one.prediction_id: (one.raw, one.probability) for one in its_drafts if one.x is not None}
    assert not follower.asked


def test_it_does_not_know_more_than_the_one_that_served_knew(past: Company) -> None:
    """Asked late, when much has been learned since, it answers as of the point where the other one was asked."""
    _, drafts = served(past, "newton")
    lessons, asked = list(lessons_of(past, drafts)), asked_of(drafts)
    whole = Follower(LearnedModel.new(1, 1, "linear"), deque(asked))
    whole.follow(lessons)
    early = Follower(LearnedModel.new(1, 1, "linear"), deque(asked))
    early.follow(lessons[:10])
    said = early.take_said()
    assert whole.take_said()[: len(said)] == said
    assert early.asked[0].learned_before > early.model.learned


def test_a_row_that_was_never_asked_is_learned_from_what_is_said_just_before(past: Company) -> None:
    _, drafts = served(past, "newton")
    first, *_ = lessons_of(past, drafts)
    follower = Follower(LearnedModel.new(1, 1, "linear"))
    follower.follow([first])
    assert [(one.prediction_id, one.raw, one.probability) for one in follower.take_said()] == [
        (row.prediction_id, 0.0, None) for row in first
    ]


def test_an_order_with_a_hole_is_not_followed(past: Company) -> None:
    _, drafts = served(past, "newton")
    lessons = list(lessons_of(past, drafts))
    assert broken(0, lessons) is None
    missing = len(lessons[0]) + 1
    assert f"row {missing} of the order of learning is not there" in (broken(0, [lessons[0], *lessons[2:]]) or "")
