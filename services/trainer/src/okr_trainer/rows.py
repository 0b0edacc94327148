r"""Rows as bytes for COPY: CSV with \x02 between and \x01 around, which JSON text never holds.

One line per row from plain values is several times faster than handing tuples to the driver.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

import orjson

from okr_trainer.domain.drafts import Draft
from okr_trainer.domain.key_result_state import KeyResultState

DELIMITER, QUOTE = "\x02", "\x01"
AT_ONCE = 200
"""Rows in one piece, a few milliseconds of work: in between, questions are answered, and the server gets to work."""
PREDICTION_COLUMNS = (
    *("prediction_id", "unit", "place", "model", "model_version", "training", "kind", "source", "key_result_id"),
    *("key_result", "check_in_id", "revision", "seq", "knowledge_time", "due_on", "elapsed", "value", "target"),
    *("forecast", "features", "raw", "probability", "risk", "reasons", "baselines", "batch_id", "row_num", "made_at"),
    *("learned_seq", "probability_low", "probability_high", "learned_before"),
)
STATE_COLUMNS = (
    *("model", "key_result_id", "source", "key_result", "due_on", "open", "state"),
    *("predicted", "prediction_id", "risk", "probability"),
)


def prediction_rows(
    model: str, drafts: Sequence[Draft], unit: int | None, made_at: datetime, after: int = 0
) -> Iterator[bytes]:
    """The rows, some at a time; those to be published stand at the places after `after` of `unit`."""
    head, made = _text(model), made_at.isoformat()
    place = after
    for at in range(0, len(drafts), AT_ONCE):
        lines = []
        for draft in drafts[at : at + AT_ONCE]:
            published = draft.publishable and unit is not None
            place += published
            lines.append(_prediction(draft, head, f"{unit}{DELIMITER}{place}" if published else DELIMITER, made))
        yield "".join(lines).encode()


def _prediction(draft: Draft, model: str, published_as: str, made_at: str) -> str:
    d = DELIMITER
    low, high = draft.interval or (None, None)
    value, target, forecast, raw, probability, low_text, high_text = _numbers(
        draft.value, draft.target, draft.forecast, draft.raw, draft.probability, low, high
    )
    return (
        f"{draft.prediction_id}{d}{published_as}{d}{model}{d}{draft.version}{d}{draft.training}{d}{draft.kind}{d}"
        f"{_text(draft.source)}{d}{draft.key_result_id}{d}{_text(draft.name)}{d}{draft.check_in_id or ''}{d}"
        f"{draft.revision}{d}{draft.seq}{d}{draft.knowledge_time.isoformat()}{d}"
        f"{date.fromordinal(draft.due).isoformat()}{d}{draft.elapsed:.6g}{d}{value}{d}"
        f"{target}{d}{forecast}{d}{_json(draft.x) if draft.x else ''}{d}"
        f"{raw}{d}{probability}{d}{draft.risk or ''}{d}{_json(draft.reasons)}{d}"
        f"{_json(draft.baselines)}{d}{draft.batch_id}{d}{draft.row_num}{d}{made_at}{d}"
        f"{'' if draft.learned_seq is None else draft.learned_seq}{d}{low_text}{d}{high_text}{d}"
        f"{'' if draft.learned_before is None else draft.learned_before}\n"
    )


def state_rows(model: str, states: Mapping[str, KeyResultState], drafts: Sequence[Draft]) -> Iterator[bytes]:
    """The states, some at a time, each with its newest prediction that is shown."""
    newest = {draft.key_result_id: draft for draft in drafts if draft.shown}
    head, names = _text(model), list(states)
    for at in range(0, len(names), AT_ONCE):
        said = (_state(states[name], head, newest.get(name)) for name in names[at : at + AT_ONCE])
        yield "".join(said).encode()


def _state(state: KeyResultState, model: str, newest: Draft | None) -> str:
    d = DELIMITER
    said = f"f{d}{d}{d}"
    if newest is not None:
        (probability,) = _numbers(newest.probability)
        said = f"t{d}{newest.prediction_id}{d}{newest.risk or ''}{d}{probability}"
    return (
        f"{model}{d}{state.key_result_id}{d}{_text(state.source)}{d}{_text(state.name)}{d}"
        f"{date.fromordinal(state.due).isoformat()}{d}{'t' if state.open else 'f'}{d}{_json(state.to_json())}{d}"
        f"{said}\n"
    )


def _text(value: str) -> str:
    return f"{QUOTE}{value.replace(QUOTE, QUOTE + QUOTE)}{QUOTE}"


def _numbers(*values: float | None) -> list[str]:
    """Each to the last bit, empty where there is none; all at once, as `repr` of each takes five times as long."""
    return _json(values)[1:-1].replace("null", "").split(",")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
