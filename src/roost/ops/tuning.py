"""The settings of the Python process itself."""

import contextlib
import ctypes
import gc

YOUNG_MAX = 50_000
"""Allocations between two collections of the young generation, 700 by default. Reference counting
frees nearly everything here; a collection would only find the same live objects again."""
MIDDLE_MAX = 50
OLD_MAX = 100
"""Collections of one generation between two of the next. A full one stops the event loop while it
walks the whole chat state, or all clients, which contain no reference cycles."""

LARGE_BYTES = 512 * 1024
"""Blocks of this size or more are mapped separately, and returned when they are freed. Otherwise
glibc raises the limit after the first snapshot, and later ones leave holes in the heap."""
UNUSED_BYTES_MAX = 2 * 1024 * 1024
"""How much the heap keeps at its end when blocks are freed, to save calls for the next ones."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""From malloc.h; see mallopt(3)."""


def tune_process() -> None:
    """Keep the garbage collector from stopping the loop, and the heap from growing holes.

    Call this when everything is loaded.
    """
    with contextlib.suppress(AttributeError):  # another C library than glibc
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        allocator.mallopt(_M_TRIM_THRESHOLD, UNUSED_BYTES_MAX)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, MIDDLE_MAX, OLD_MAX)
