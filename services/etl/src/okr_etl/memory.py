"""What the allocators do with memory that was freed."""

import ctypes
import os

# in malloc.h of the GNU C library, see mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
KEPT_BYTES = 256 * 1024
POLARS = "_RJEM_MALLOC_CONF"
"""Settings of the allocator inside polars (jemalloc), read once, when polars is loaded."""
POLARS_SETTINGS = "narenas:1,dirty_decay_ms:200,muzzy_decay_ms:0"


def give_back() -> None:
    """Has them return what is freed to the system; call it before polars is imported.

    Else each thread keeps an arena of its own, and in it all that it ever used. What somebody has set for polars holds;
    another C library than GNU's is left as it is.
    """
    os.environ.setdefault(POLARS, POLARS_SETTINGS)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, setting in ((ARENA_MAX, 1), (MMAP_THRESHOLD, KEPT_BYTES), (TRIM_THRESHOLD, KEPT_BYTES)):
            mallopt(parameter, setting)
