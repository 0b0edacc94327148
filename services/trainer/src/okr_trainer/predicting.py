"""Questions become answers: what is known is read once for all of them, and each model is asked once."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from okr_common.clock import utc_now
from okr_common.errors import PermanentError
from okr_trainer.answers import MOST_QUESTIONS, Answer, Question, Refused, answer, of_ended
from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.key_result_state import KeyResultState
from okr_trainer.domain.learner import Learner
from okr_trainer.domain.what_if import NO_CHANGE, Supposed, answered, suppose
from okr_trainer.grounds import Grounds, Known

NOT_FOUND, CONFLICT, UNPROCESSABLE = 404, 409, 422
FEW = 8
"""Key results as supposed; they keep the event loop for a millisecond or two."""
Asked = tuple[int, Question, Known]
"""A question that a model is to answer, by its number."""


class Together:
    """Questions that come while others are answered are next, all at once: most of what one costs is shared."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._waiting: list[tuple[Question, asyncio.Future[Answer | Refused]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def answer(self, question: Question) -> Answer | Refused:
        """The answer, as `answers` gives it. Raises what kept it from answering."""
        said: asyncio.Future[Answer | Refused] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, said))
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all())
        return await said

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:MOST_QUESTIONS], self._waiting[MOST_QUESTIONS:]
                await self._answer_these(asked)
        finally:
            self._answering = None

    async def _answer_these(self, asked: Sequence[tuple[Question, asyncio.Future[Answer | Refused]]]) -> None:
        try:
            said = await answers(self._grounds, [question for question, _ in asked])
        except Exception as error:  # noqa: BLE001 - whoever asked hears of it
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), one in zip(asked, said, strict=True):
            if not future.done():
                future.set_result(one)


async def answers(grounds: Grounds, questions: Sequence[Question]) -> list[Answer | Refused]:
    """One for each question, in their order."""
    key_results = [question.key_result_id for question in questions]
    found, days = await asyncio.gather(grounds.known(key_results), grounds.todays())
    said: dict[int, Answer | Refused] = {}
    asked: dict[str, list[Asked]] = {}
    for number, question in enumerate(questions):
        known = _of_model(found.get(question.key_result_id, ()), question.model)
        settled = _unknown(question) if known is None else _without_model(question, known)
        if settled is not None:
            said[number] = settled
        elif known is not None:
            asked.setdefault(known.model, []).append((number, question, known))
    for model, all_of_it in asked.items():
        said |= await _of_one_model(grounds, model, all_of_it, days)
    return [said[number] for number in range(len(questions))]


def _of_model(known: Sequence[Known], model: str | None) -> Known | None:
    return next((one for one in known if model in {None, one.model}), None)


def _unknown(question: Question) -> Refused:
    told = f"key result {question.key_result_id} is not known; GET /key-results lists some"
    return Refused(key_result_id=question.key_result_id, status=NOT_FOUND, detail=told)


def _without_model(question: Question, known: Known) -> Answer | Refused | None:
    """What needs no model: it has ended, or what is asked cannot be."""
    if known.ending is not None:
        return of_ended(known.model, known.state, known.ending)
    wrong = _wrong(question, known.state)
    return Refused(key_result_id=question.key_result_id, status=UNPROCESSABLE, detail=wrong) if wrong else None


def _wrong(question: Question, state: KeyResultState) -> str | None:
    newest, start = date.fromordinal(state.newest or state.start), date.fromordinal(state.start)
    if question.as_of is not None and question.as_of < newest:
        said = "a check-in of" if state.newest else "its start on"
        return f"it has {said} {newest}; as_of must not be before that day"
    if question.due_on is not None and question.due_on <= start:
        return f"it starts on {start}; due_on must be after that day"
    return None


async def _of_one_model(
    grounds: Grounds, model: str, asked: Sequence[Asked], days: Mapping[str, date]
) -> dict[int, Answer | Refused]:
    now = utc_now()
    pairs = [_supposed(question, known, days.get(known.state.source), now) for _, question, known in asked]
    each = list({id(one): one for pair in pairs for one in pair}.values())  # what changes nothing is asked once
    try:
        learner = await grounds.learner([known for _, _, known in asked], each)
    except PermanentError as error:
        return {
            number: Refused(key_result_id=question.key_result_id, status=CONFLICT, detail=str(error))
            for number, question, _ in asked
        }
    drafts = await _answered(learner, each, now)
    said = {id(one): draft for one, draft in zip(each, drafts, strict=True)}
    version = learner.predictor.version
    return {
        number: answer(model, version, said[id(changed)], said[id(unchanged)])
        for (number, _, _), (changed, unchanged) in zip(asked, pairs, strict=True)
    }


def _supposed(question: Question, known: Known, day: date | None, now: datetime) -> tuple[Supposed, Supposed]:
    """As things would be, and as they stand."""
    today = 0 if day is None else day.toordinal()
    changed = suppose(known.state, question.change, today, now)
    same = question.change == NO_CHANGE
    return changed, changed if same else suppose(known.state, NO_CHANGE, today, now)


async def _answered(learner: Learner, supposed: Sequence[Supposed], now: datetime) -> list[Draft]:
    """Few at once take less time than to hand them to a thread and be woken by it."""
    if len(supposed) <= FEW:
        return answered(learner, supposed, now)
    return await asyncio.to_thread(answered, learner, supposed, now)
