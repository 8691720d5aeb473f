"""Ends processes that an earlier `roost up` left behind when it was killed.

The kernel has already told them to stop (`supervisor.die_with_parent`). Until they have stopped,
they hold ports and data directories that the next run needs.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from roost.ops import clock

PATIENCE_S = 3.5
"""Time for an orderly stop; after that they are killed."""
KILL_S = 2.0
"""Time to die after being killed. After that, what they still hold causes another error."""


def end_orphans(configs: Iterable[Path]) -> None:
    """End every process that runs with one of these configuration files."""
    wanted = [os.fsencode(config) for config in configs]
    for number, patience_s in ((signal.SIGTERM, PATIENCE_S), (signal.SIGKILL, KILL_S)):
        for pid in _find(wanted):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        end = clock.monotonic() + patience_s
        while _find(wanted) and clock.monotonic() < end:
            time.sleep(0.05)


def _find(configs: list[bytes]) -> list[int]:
    """Return the ids of such processes, from /proc; none where /proc does not exist."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"roost.cli" in words and any(config in words for config in configs):
            found.append(int(entry.parent.name))
    return found
