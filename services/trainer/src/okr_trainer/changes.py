"""What serves, and every change of it: the aliases of the registry, an audit row and an event, in one transaction."""

from dataclasses import dataclass
from typing import Literal

from okr_common.delivery import outbox
from okr_common.delivery.outbox import Connection, announce
from okr_common.events import Event, ModelPromoted
from okr_common.topology import Stage
from okr_trainer.store import SQL

MadeBy = Literal["gates", "person", "recovery"]
Kind = Literal["registered", "promoted", "rolled_back", "recovered"]


@dataclass(frozen=True, slots=True)
class Change:
    """`served` until then, `serves` from then on. `reason`: why, for people. `learned_again`: rows it had missed."""

    model: str
    kind: Kind
    version: int
    served: int
    serves: int
    made_by: MadeBy
    reason: str
    learned_again: int = 0
    state_digest: str | None = None


async def crown(connection: Connection, model: str, version: int) -> None:
    """The version becomes the champion, and the one that was, the previous one; nothing where it is that already."""
    if not await connection.fetchval(SQL["is_champion"], model, version):
        await connection.execute(SQL["retire"], model)
        await connection.execute(SQL["crown"], model, version)


async def write(connection: Connection, stage: Stage, change: Change) -> int:
    """The audit row, whose number it returns; and the event, where another version serves from now on."""
    change_id: int = await connection.fetchval(
        SQL["put_change"],
        *(change.model, change.kind, change.version, change.served, change.serves, change.made_by, change.reason),
        *(change.learned_again, change.state_digest),
    )
    if change.served != change.serves:
        await say(connection, stage, _event(change, change_id))
    return change_id


async def say(connection: Connection, stage: Stage, *events: Event) -> None:
    """Puts these events into the outbox."""
    await outbox.put(connection, stage.service, [announce(event, stage) for event in events])


def _event(change: Change, change_id: int) -> Event:
    return ModelPromoted(
        model=change.model,
        version=change.serves,
        change_id=change_id,
        before=change.served,
        made_by=change.made_by,
        reason=change.reason,
        learned_again=change.learned_again,
    )
