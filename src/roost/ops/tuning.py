"""How the Python process itself is set up, in one place."""

import contextlib
import ctypes
import gc

YOUNG_MAX = 50_000
"""Allocations between two collections of the young generation, 700 by default: nearly everything
here is freed by counting references, and a collection would only find the same live objects."""
MIDDLE_MAX = 50
OLD_MAX = 100
"""Collections of one generation between two of the next. A full one walks the whole chat state, or
all clients, in which no reference cycles can be, and stops the event loop meanwhile."""

LARGE_BYTES = 512 * 1024
"""Blocks from this size on are mapped alone and given back when they are freed. Otherwise glibc
raises the limit with the first of them, a snapshot, and the next ones leave holes in the heap."""
UNUSED_BYTES_MAX = 2 * 1024 * 1024
"""What the heap keeps at its end when blocks are freed, so that the next ones cost no call."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h; see mallopt(3)."""


def tune_process() -> None:
    """Keep the garbage collector from stopping the loop, and the heap from growing holes.

    To be called when everything is loaded.
    """
    with contextlib.suppress(AttributeError):  # another C library than glibc
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        allocator.mallopt(_M_TRIM_THRESHOLD, UNUSED_BYTES_MAX)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, MIDDLE_MAX, OLD_MAX)
