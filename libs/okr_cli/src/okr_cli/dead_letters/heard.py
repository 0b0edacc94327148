"""What the trainer has heard of each source. It hears a source in its order, and passes over what comes behind that."""

from collections.abc import Mapping

import orjson

from okr_cli.dead_letters.letters import Letter
from okr_cli.reach import Reach
from okr_common.sql import queries
from okr_common.topics import PROCESSED_RECORDS

SQL = queries("okr_cli")
Place = tuple[int, int, int]
"""Generation, position, seq."""


async def heard(reach: Reach) -> dict[str, Place]:
    """Of each source the place up to which every model that listens to it has heard it."""
    found: dict[str, Place] = {}
    async with reach.database("ops") as ops:
        for row in await ops.fetch(SQL["heard"]):
            place = (row["generation"], row["position"], row["seq"])
            found[row["source"]] = min(place, found.get(row["source"], place))
    return found


def is_record(letter: Letter) -> bool:
    """Whether its message told of an entity version."""
    return letter.said("topic") == PROCESSED_RECORDS.name


def passed_over(letter: Letter, heard: Mapping[str, Place]) -> str | None:
    """Why sending it again would change nothing; None where it would be heard, or where nobody can tell."""
    if not is_record(letter):
        return None
    try:
        said = orjson.loads(letter.read.value or b"")
        source, place = str(said["source"]), (int(said["generation"]), int(said["position"]), int(said["seq"]))
    except (LookupError, TypeError, ValueError):
        return None
    if source not in heard or place > heard[source]:
        return None
    return (
        f"the trainer hears a source in its order, has heard {source} to position {heard[source][1]}, and would pass "
        f"this over, of position {place[1]}; `okr verify` names the check-ins and outcomes it has no row for"
    )
