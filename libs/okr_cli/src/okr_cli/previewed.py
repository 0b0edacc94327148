"""What etl would make of rows that nobody has loaded, or why its mapping keeps it from making anything."""

from typing import Any

from okr_cli.reach import Reach, RefusedError

UNPROCESSABLE = 422


def previewed(reach: Reach, source: str, body: dict[str, Any], limit: int) -> dict[str, Any]:
    """As `preview`, or what must be mended as `problems`, with no preview."""
    try:
        answer = reach.post("etl", f"/sources/{source}/preview?limit={limit}", body)
    except RefusedError as refused:
        if refused.status != UNPROCESSABLE:
            raise
        return {"preview": None, "problems": [refused.detail]}
    return {"preview": answer.json()}
