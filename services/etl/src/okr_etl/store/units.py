"""What okr_processed publishes as one: the versions at a place, and the events that tell of them."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection, Outgoing, announce
from okr_common.events import Event
from okr_common.topics import PROCESSED_RECORDS
from okr_common.topology import STAGES
from okr_etl.store import SQL
from okr_etl.store.records import Place

STAGE = STAGES["etl"]


async def publish(connection: Connection, place: Place, *after: Event, before: Sequence[Event] = ()) -> None:
    """The records of this place, what is told before them, and after them: one order key, so in this order."""
    unit = Outgoing(place.source, PROCESSED_RECORDS.name, place.source, unit=asdict(place))
    told = [[announce(event, STAGE) for event in events] for events in (before, after)]
    await outbox.put(connection, STAGE.service, [*told[0], unit, *told[1]])


async def behind(connection: Connection, place: Place) -> Place:
    """The place behind all versions that stand there: for what is decided between two files."""
    last: int = await connection.fetchval(SQL["last_seq"], place.source, place.generation, place.position)
    return replace(place, after_seq=last)


async def publish_behind(
    connection: Connection, place: Place, event: Event, *, versions: int, outcomes: int, closed: int = 0
) -> None:
    """So many versions behind this place, a unit of their own; then what tells of them.

    `outcomes` are those of outcomes, `closed` those that close an entity that is absent.
    """
    unit = (place.source, place.generation, place.position, place.after_seq)
    await connection.execute(SQL["add_unit_behind"], *unit, versions, outcomes, closed)
    await publish(connection, replace(place, until_seq=place.after_seq + versions), event)
