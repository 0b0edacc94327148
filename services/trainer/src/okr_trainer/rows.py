r"""Rows as bytes for COPY: CSV with \x02 between and \x01 around, which JSON text never holds.

One line per row from plain values is several times faster than handing tuples to the driver.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache

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
    *("learned_seq", "probability_low", "probability_high", "forecast_low", "forecast_high", "learned_before"),
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
    ends, (low, high) = draft.ends_within or (None, None), draft.interval or (None, None)
    value, target, forecast, raw, probability, least, most, lowest, highest, due, batch_id, row_num, learned_seq = (
        _plain(
            *(draft.value, draft.target, draft.forecast, draft.raw, draft.probability, low, high, *ends),
            *(draft.due_on, draft.batch_id, draft.row_num, draft.learned_seq),
        )
    )
    said = (
        *(draft.prediction_id, published_as, model, str(draft.version), str(draft.training), draft.kind),
        *(_text(draft.source), draft.key_result_id, _text(draft.name), draft.check_in_id or "", str(draft.revision)),
        *(str(draft.seq), _moment(draft.knowledge_time), due, f"{draft.elapsed:.6g}", value, target, forecast),
        *(_json(draft.x) if draft.x else "", raw, probability, draft.risk or "", _json(draft.reasons)),
        *(_json(draft.baselines), batch_id, row_num, made_at, learned_seq, least, most, lowest, highest),
        "" if draft.learned_before is None else str(draft.learned_before),
    )
    return f"{DELIMITER.join(said)}\n"


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
        (probability,) = _plain(newest.probability)
        said = f"t{d}{newest.prediction_id}{d}{newest.risk or ''}{d}{probability}"
    return (
        f"{model}{d}{state.key_result_id}{d}{_text(state.source)}{d}{_text(state.name)}{d}"
        f"{date.fromordinal(state.due).isoformat()}{d}{'t' if state.open else 'f'}{d}{_json(state.to_json())}{d}"
        f"{said}\n"
    )


def _text(value: str) -> str:
    return f"{QUOTE}{value.replace(QUOTE, QUOTE + QUOTE)}{QUOTE}"


def _plain(*values: float | date | None) -> list[str]:
    """Numbers to the last bit, and days, empty where there is none; all at once: one by one takes longer."""
    return _json(values)[1:-1].replace("null", "").replace('"', "").split(",")


_moment = lru_cache(maxsize=1_000)(datetime.isoformat)
"""Many rows became known at once."""


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
