"""Documents: what a person or a language model reads of a goal, and the same as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from okr_etl.domain import words
from okr_etl.domain.goals import KeyResult, Objective, Outcome


@dataclass(frozen=True, slots=True)
class Document:
    """One curated document; `meta` and `labels` are JSON objects."""

    entity_id: str
    entity: str
    source: str
    text: str
    meta: Mapping[str, Any]
    labels: Mapping[str, Any]

    @property
    def content_hash(self) -> bytes:
        """Equal for documents that say the same."""
        content = orjson.dumps([self.text, self.meta, self.labels], option=orjson.OPT_SORT_KEYS)
        return blake2b(content, digest_size=16).digest()


def of_objective(objective: Objective) -> Document:
    """The document of an objective."""
    meta = {
        "source_id": objective.source_id,
        "revision": objective.revision,
        "title": objective.title,
        "start_on": objective.start_on,
        "due_on": objective.due_on,
        "key_results": len(objective.key_results),
        **({"period": objective.period} if objective.period else {}),
        **_aligned(objective),
    }
    text = "\n".join(words.of_objective(objective))
    return Document(objective.entity_id, "objective", objective.source, text, meta, {})


def of_key_result(key_result: KeyResult) -> Document:
    """The document of a key result."""
    return Document(
        entity_id=key_result.entity_id,
        entity="key_result",
        source=key_result.source,
        text="\n".join(words.of_key_result(key_result)),
        meta=_meta(key_result),
        labels=_labels(key_result.outcome),
    )


def _meta(key_result: KeyResult) -> dict[str, Any]:
    last = key_result.check_ins[-1] if key_result.check_ins else None
    own = (
        "source_id",
        "revision",
        "title",
        "objective_id",
        "objective",
        "metric_kind",
        "direction",
        "inclusive",
        "unit",
    )
    more = ("baseline", "target", "start_on", "due_on", "owner", "attributes")
    return {
        **{name: getattr(key_result, name) for name in (*own, *more)},
        **({} if key_result.due_known is None else {"due_known": key_result.due_known}),
        **_aligned(key_result),
        "check_ins": len(key_result.check_ins),
        "last_as_of": last.as_of if last else None,
        "last_value": last.value if last else None,
        "last_progress": last.progress if last else None,
    }


def _aligned(goal: Objective | KeyResult) -> dict[str, Any]:
    return {goal.aligned_how or "contributes": list(goal.aligned_to)} if goal.aligned_to else {}


def _labels(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    return {
        "achieved": outcome.achieved,
        "resolution": outcome.resolution,
        "final_value": outcome.final_value,
        "target": outcome.target,
        "known_at": outcome.known_at,
    }
