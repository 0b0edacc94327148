"""What each row says of an objective, a key result, a check-in and an outcome, in the canonical fields.

The payload of an entity is the JSON object of its canonical fields, the same that travels and is hashed.
"""

import polars as pl

from okr_common.sources import Mapping
from okr_common.sources.language import DIRECTIONS, METRIC_KINDS
from okr_etl.domain.canonical import TIME, day, number, text
from okr_etl.domain.cells import PART, ROW
from okr_etl.domain.columns import FIRST_DAY, LAST_DAY, Rules, needed
from okr_etl.domain.derive import FINAL
from okr_etl.domain.ids import content_hashes, entity_ids

ENTITIES = ("objective", "key_result", "check_in", "outcome")
"""In the order in which versions of one knowledge time are told: definitions, check-ins, outcomes."""
FIELDS: dict[str, tuple[str, ...]] = {
    "objective": ("source_id", "title", "description", "start_on", "due_on"),
    "key_result": (
        *("source_id", "objective_id", "title", "description", "metric_kind", "direction", "inclusive", "unit"),
        *("baseline", "target", "start_on", "due_on", "owner", "attributes"),
    ),
    "check_in": (
        *("source_id", "key_result_id", "as_of", "recorded_at", "value", "target", "progress"),
        *("status_raw", "status", "confidence", "comment"),
    ),
    "outcome": ("source_id", "key_result_id", "final_value", "target", "achieved", "resolution", "label_basis"),
}
"""Of each entity's payload, in order; the names of okr_common.records and of the tables."""
CANDIDATE = (
    "order",
    "entity",
    "entity_id",
    "source_id",
    "time",
    "held_from",
    "row_num",
    PART,
    "payload",
    "content_hash",
)

_FEW = 64
"""So many payloads are sooner made and hashed one by one than those that repeat are found."""
_WORDS = {"direction": DIRECTIONS, "metric_kind": METRIC_KINDS}


def fields_of(mapping: Mapping, entity: str) -> tuple[str, ...]:
    """Of this source's payloads: what only some mappings name is there only where they do."""
    named = ["alignment"] if entity in mapping.entities.alignments else []
    named += ["period"] if entity == "objective" and mapping.entities.objective.period else []
    named += ["due_known"] if entity == "key_result" and mapping.entities.key_result.due_known else []
    return (*FIELDS[entity], *named)


def rules(mapping: Mapping) -> Rules:
    """What must hold for the canonical fields of a row."""
    found: dict[str, pl.Expr] = {}
    for name in sorted(needed(mapping) & {*mapping.derived, *mapping.inherited}):
        found[f"missing_value:{name}"] = pl.col(name).is_not_null()
    for field, words in _WORDS.items():
        name = getattr(mapping.entities.key_result, field)
        found[f"unknown_word:{name}"] = pl.col(f"key_result.{field}").is_in(words)
    for name in sorted(_derived_dates(mapping)):
        found[f"date_out_of_range:{name}"] = pl.col(name).cast(pl.Date).is_between(FIRST_DAY, LAST_DAY)
    if mapping.entities.final:
        known_at = mapping.entities.final.known_at
        found[f"missing_value:{known_at}"] = ~pl.col(FINAL) | pl.col("outcome.held_from").is_not_null()
    found["due_before_start"] = pl.col("key_result.start_on") <= pl.col("key_result.due_on")
    found["due_before_start:objective"] = pl.col("objective.start_on") <= pl.col("objective.due_on")
    period = mapping.entities.objective.period
    if period is not None and period.start_on and period.end_on:
        found["due_before_start:period"] = day(period.start_on) <= day(period.end_on)
    return found


def _derived_dates(mapping: Mapping) -> set[str]:
    of = mapping.entities
    named = {
        of.objective.start_on,
        of.objective.due_on,
        of.key_result.start_on,
        of.key_result.due_on,
        of.check_in.as_of,
    }
    named |= {of.check_in.recorded_at} | ({of.final.known_at} if of.final else set())
    return {name for name in named if name in mapping.derived}


def identified(wide: pl.DataFrame, source: str) -> pl.DataFrame:
    """The wide frame with the entities' ids; an outcome's only where there is one."""
    ended = pl.when(FINAL).then("outcome.source_id").alias("outcome.source_id")
    named = wide.select(*(f"{entity}.source_id" for entity in ENTITIES[:-1]), ended)
    ids = {f"{entity}.id": entity_ids(source, entity, named[f"{entity}.source_id"]) for entity in ENTITIES}
    return wide.with_columns(
        **ids,
        **{
            "key_result.objective_id": ids["objective.id"],
            "check_in.key_result_id": ids["key_result.id"],
            "outcome.key_result_id": ids["key_result.id"],
        },
    )


def candidates(wide: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Every version that the rows propose, with the columns `CANDIDATE`: entity by entity, each in the rows' order."""
    return pl.concat([_candidates(wide, mapping, order, entity) for order, entity in enumerate(ENTITIES)])


def _candidates(wide: pl.DataFrame, mapping: Mapping, order: int, entity: str) -> pl.DataFrame:
    definition = entity in {"objective", "key_result"}
    told = wide.filter(FINAL) if entity == "outcome" else wide
    proposed = told.select(
        pl.lit(order, pl.Int8).alias("order"),
        pl.lit(entity).alias("entity"),
        pl.col(f"{entity}.id").alias("entity_id"),
        pl.col(f"{entity}.source_id").alias("source_id"),
        pl.col("outcome.held_from" if entity == "outcome" else TIME).alias("time"),
        pl.col("definition.held_from" if definition else f"{entity}.held_from").alias("held_from"),
        *(ROW, PART),
    )
    several = definition and told.height > _FEW
    said = _repeated(told, mapping, entity) if several else _once(told, mapping, entity)
    return pl.concat([proposed, said], how="horizontal").select(CANDIDATE)


def _once(told: pl.DataFrame, mapping: Mapping, entity: str) -> pl.DataFrame:
    """Of each row the payload, with its content_hash."""
    payload = pl.struct(_fields(mapping, entity)).struct.json_encode()
    return _hashed(told.select(payload.alias("payload")))


def _repeated(told: pl.DataFrame, mapping: Mapping, entity: str) -> pl.DataFrame:
    """The same, of what many rows say alike made once."""
    fields = told.select(_fields(mapping, entity))
    alike = fields.with_row_index("at").group_by(fields.columns).agg("at")
    payload = pl.struct(fields.columns).struct.json_encode()
    return _hashed(alike.select("at", payload.alias("payload"))).explode("at").sort("at").drop("at")


def _hashed(payloads: pl.DataFrame) -> pl.DataFrame:
    return payloads.with_columns(content_hashes(payloads["payload"]).alias("content_hash"))


def _fields(mapping: Mapping, entity: str) -> list[pl.Expr]:
    attributes = mapping.entities.key_result.attributes
    names = fields_of(mapping, entity)
    fields = [pl.col(f"{entity}.{field}").alias(field) for field in names if field != "attributes"]
    if entity == "key_result" and attributes:
        fields.append(pl.struct(_attribute(name, mapping) for name in attributes).alias("attributes"))
    return fields


def attributes(mapping: Mapping) -> pl.Expr:
    """The key result's attributes as a JSON object."""
    names = mapping.entities.key_result.attributes
    return pl.struct(_attribute(name, mapping) for name in names).struct.json_encode() if names else pl.lit("{}")


def _attribute(name: str, mapping: Mapping) -> pl.Expr:
    """Numbers stay numbers, all else is text."""
    column = mapping.columns.get(name)
    return number(name).alias(name) if column and column.type in {"integer", "number"} else text(name).alias(name)
