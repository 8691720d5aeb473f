"""How the Python process itself is set up, in one place."""

import gc

YOUNG_MAX = 50_000
"""Allocations between two collections of the young generation, 700 by default: nearly everything
here is freed by counting references, and a collection would only find the same live objects."""
MIDDLE_MAX = 50
OLD_MAX = 100
"""Collections of one generation between two of the next. A full one walks the whole chat state, or
all clients, in which no reference cycles can be, and stops the event loop meanwhile."""


def tune_process() -> None:
    """Keep the garbage collector from stopping the loop; call it when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, MIDDLE_MAX, OLD_MAX)
