"""For tests: a small company to predict; stories of key results told in one line each."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from okr_common.records import Entity, ProcessedRecord
from okr_trainer.domain.inputs import (
    CheckIn,
    Definition,
    Gone,
    Input,
    Outcome,
    Place,
    Version,
    Withdrawn,
    knowledge_order,
)

TARGET = 100.0


@dataclass
class Company:
    """Writes inputs; each gets the next place of the source, as etl would give it."""

    source: str = "acme"
    position: int = 1
    seq: int = 0
    said: list[Input] = field(default_factory=list)

    def version(self, name: str, known: date, revision: int = 1) -> Version:
        """The next place of the source."""
        self.seq += 1
        moment = datetime(known.year, known.month, known.day, tzinfo=UTC)
        entity_id = str(uuid5(NAMESPACE_URL, f"{self.source}/{name}"))
        return Version(
            self.source,
            Place(1, self.position, self.seq),
            entity_id,
            revision,
            moment,
            1,
            self.seq,
            name.split("/", 1)[1],
        )

    def key_result_id(self, name: str) -> str:
        """The id every version of this key result has."""
        return str(uuid5(NAMESPACE_URL, f"{self.source}/key_result/{name}"))

    def define(self, name: str, known: date, *, revision: int = 1, **more: Any) -> Definition:  # noqa: ANN401 - any field
        """A version of a key result: by default a level of 100 to stay above, for the calendar year."""
        given: dict[str, Any] = {
            "title": name.split("/", maxsplit=1)[0],
            "metric_kind": "number",
            "direction": "stay_above",
            "inclusive": True,
            "baseline": None,
            "target": TARGET,
            "start": date(known.year, 1, 1).toordinal(),
            "due": date(known.year, 12, 31).toordinal(),
            "attributes": {},
            "due_known": None,
            "owner": None,
            "unit": None,
            "objective_id": str(uuid5(NAMESPACE_URL, f"{self.source}/objective")),
        } | more
        one = Definition(self.version(f"key_result/{name}", known, revision), **given)
        self.said.append(one)
        return one

    def check_in(
        self,
        name: str,
        as_of: date,
        value: float | None,
        *,
        target: float | None = TARGET,
        known: date | None = None,
        revision: int = 1,
    ) -> CheckIn:
        """A version of a check-in; known on its own day, unless said otherwise."""
        version = self.version(f"check_in/{name}-{as_of.isoformat()}", known or as_of, revision)
        one = CheckIn(version, self.key_result_id(name), as_of.toordinal(), value, target, None)
        self.said.append(one)
        return one

    def outcome(
        self, name: str, known: date, final: float, *, achieved: bool | None, revision: int = 1, target: float = TARGET
    ) -> Outcome:
        """How it ended; `achieved` None: dropped."""
        version = self.version(f"outcome/{name}", known, revision)
        one = Outcome(version, self.key_result_id(name), final, target, achieved)
        self.said.append(one)
        return one

    def withdraw(self, one: CheckIn | Outcome, known: date, *, replayed: bool = False) -> Withdrawn:
        """It is said no more."""
        kind = "check_in" if isinstance(one, CheckIn) else "outcome"
        version = self.version(f"{kind}/{one.version.name}", known, one.version.revision + 1)
        last = Withdrawn(version, one._replace(version=version), replayed)
        self.said.append(last)
        return last

    def year(self, name: str, year: int, values: list[float], **more: Any) -> None:  # noqa: ANN401
        """Defined in January, one check-in at the end of each month, the outcome with the last."""
        ends = [date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(1, len(values) + 1)]
        self.define(f"{name}/{year}", date(year, 1, 1), **more)
        for end, value in zip(ends, values, strict=True):
            self.check_in(f"{name}/{year}", end, value)
        self.outcome(f"{name}/{year}", ends[-1], values[-1], achieved=values[-1] >= TARGET)

    def batch(self) -> list[Input]:
        """What was said since the last batch, placed as etl publishes it; what is said next belongs to the next one."""
        told = [one for one in self.in_order if one.version.place.position == self.position]
        placed = [_placed(one, Place(1, self.position, number)) for number, one in enumerate(told, 1)]
        self.said = [one for one in self.said if one.version.place.position != self.position] + placed
        self.position, self.seq = self.position + 1, 0
        return placed

    @property
    def in_order(self) -> list[Input]:
        """All that was said, as a replay hears it."""
        return sorted(self.said, key=knowledge_order)


def _placed(one: Input, place: Place) -> Input:
    version = one.version._replace(place=place)
    if isinstance(one, Withdrawn):
        return one._replace(version=version, said=one.said._replace(version=version))
    return one._replace(version=version)


def record(one: Input) -> ProcessedRecord:
    """The record of okr_processed_records that says this."""
    if isinstance(one, Withdrawn):
        return record(one.said).model_copy(update={"closed": "replayed" if one.replayed else "absent_deleted"})
    version = one.version
    entity: Entity = "check_in" if isinstance(one, CheckIn) else "outcome" if isinstance(one, Outcome) else "key_result"
    return ProcessedRecord(
        source=version.source,
        position=version.place.position,
        seq=version.place.seq,
        generation=version.place.generation,
        entity=entity,
        entity_id=UUID(version.entity_id),
        revision=version.revision,
        knowledge_time=version.knowledge_time,
        batch_id=version.batch_id,
        row_num=version.row_num,
        payload={"source_id": version.name, **_payload(one)},
        closed="replayed" if isinstance(one, Gone) else None,
    )


def _payload(one: Definition | CheckIn | Outcome | Gone) -> dict[str, Any]:
    said = one._asdict()
    del said["version"]
    if isinstance(one, Definition):
        start, due = date.fromordinal(said.pop("start")), date.fromordinal(said.pop("due"))
        return said | {"start_on": start.isoformat(), "due_on": due.isoformat()}
    if isinstance(one, CheckIn):
        return said | {"as_of": date.fromordinal(one.as_of).isoformat()}
    if isinstance(one, Gone):
        return said
    resolution = "dropped" if one.achieved is None else "achieved" if one.achieved else "missed"
    return said | {"achieved": bool(one.achieved), "resolution": resolution, "label_basis": "source"}


def history(years: int = 5, series: int = 6, source: str = "acme") -> Company:
    """Series whose level says how they end, and whose last month brings four more, which misleads the pace rule."""
    company = Company(source)
    for year in range(2010, 2010 + years):
        for number in range(series):
            level = 96.0 + 1.6 * number
            noise = [((month * 7 + year + number) % 5 - 2) * 0.9 for month in range(12)]
            company.year(f"series {number}", year, [*(level - 4.0 + one for one in noise[:-1]), level + noise[-1]])
    return company
