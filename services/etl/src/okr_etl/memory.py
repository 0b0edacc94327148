"""What the C library does with memory that was freed."""

import ctypes

# in malloc.h of the GNU C library, see mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
KEPT_BYTES = 256 * 1024


def give_back() -> None:
    """Has it return what is freed to the system; another library than GNU's is left as it is.

    Else each thread keeps an arena of its own, and in it all that it ever used.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, setting in ((ARENA_MAX, 1), (MMAP_THRESHOLD, KEPT_BYTES), (TRIM_THRESHOLD, KEPT_BYTES)):
            mallopt(parameter, setting)
