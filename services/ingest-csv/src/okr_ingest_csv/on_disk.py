"""Work on the disk, in a thread: whatever the disk or the content does to it becomes the file's own reason."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from okr_common.errors import OkrError, PermanentError
from okr_common.logs import logger
from okr_ingest_csv.domain.plan import UnplannableError

log = logger(__name__)
Asked = ParamSpec("Asked")
Done = TypeVar("Done")


async def on_disk(work: Callable[Asked, Done], *asked: Asked.args, **named: Asked.kwargs) -> Done:
    """Runs in a thread. Raises PermanentError("vanished" | "cannot_read" | "internal_error")."""
    return await with_reason(asyncio.to_thread(work, *asked, **named))


async def with_reason(working: Awaitable[Done]) -> Done:
    """Work on the disk, wherever it is done; see `on_disk`."""
    try:
        return await working
    except (OkrError, UnplannableError):
        raise
    except OSError as error:
        raise _refused(error) from error
    except Exception as error:
        log.exception("internal_error")
        raise PermanentError("internal_error", f"reading broke down ({error!r}). Please report this.") from error


def _refused(error: OSError) -> PermanentError:
    """What the disk said, as the file's reason."""
    if isinstance(error, FileNotFoundError):
        return PermanentError("vanished", f"{error.filename} was taken away before it was read. Drop it again.")
    where = f"{error.filename}: " if error.filename else "while it was read: "  # a read does not know its file's name
    return PermanentError("cannot_read", f"{where}{error.strerror or error!r}. Mend it and drop it again.")
