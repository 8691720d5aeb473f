"""When a node that went astray puts its data aside and begins anew, as one that lost its disk.

Its committed entries are not the leader's: a majority has lost what this node holds, or its own
disk was changed. Neither can be told from here, so nothing is deleted. The process moves the data
to a directory beside it and starts again; what the others have comes from them.

    divergence --> the node falls silent, says so --> a moment later: `SetAside` --> a new start
                                                  --> not while this would hide history that no
                                                      neighbour has, and not again and again
"""

from collections.abc import Iterator, Sequence

from roost.log import Log
from roost.node.engine.effects import LogEvent, SetAside
from roost.node.engine.holding import Holding

DIVERGED = "diverged"
"""The state of such a node."""
PAUSE_S = 2.0
"""The wait before it: sessions are moved to other nodes, and neighbours say what they hold."""
KEPT_MAX = 3
"""Directories with data that was put aside. Each may be as large as the data itself, and a node
that goes astray a fourth time has a disk or an operator that must be looked at."""


class Astray:
    """Decides that, and has the words for people."""

    def __init__(self, kept: Sequence[str], log: Log, holding: Holding, peers: list[str]) -> None:
        """`kept` are the directories that were put aside earlier and are still there.

        `peers` is the engine's own list of linked neighbours.
        """
        self._kept = tuple(kept)
        self._log = log
        self._holding = holding
        self._peers = peers
        self._due: float | None = None
        self._obstacle = ""
        self._is_done = False

    @property
    def note(self) -> str:
        """What people should know about earlier times; empty if there is nothing."""
        if not self._kept:
            return ""
        return (
            f"data that the other nodes do not share was put aside: {', '.join(self._kept)}; look"
            " into it, then delete it (docs/running.md)"
        )

    @property
    def problem(self) -> str:
        """What is wrong, for people; empty if the node is not astray."""
        if not (reason := self._divergence):
            return ""
        return f"{reason}; {self._obstacle or 'its data is put aside, and it begins anew'}"

    @property
    def _divergence(self) -> str:
        fault = self._log.status().fault
        return fault[1] if fault is not None and fault[0] == DIVERGED else ""

    def look(self, now: float) -> Iterator[LogEvent | SetAside]:
        """Do what is due; call this regularly."""
        reason = self._divergence
        if not reason or self._is_done:
            return
        if self._due is None:
            self._due = now + PAUSE_S
            yield LogEvent("error", "diverged", {"reason": reason})
        elif now >= self._due:
            obstacle = self._find_obstacle()
            if not obstacle:
                self._is_done = True
                yield SetAside(reason)
            elif obstacle != self._obstacle:
                yield LogEvent("error", "not-set-aside", {"reason": obstacle})
            self._obstacle = obstacle

    def _find_obstacle(self) -> str:
        if len(self._kept) >= KEPT_MAX:
            return (
                f"it was put aside {len(self._kept)} times already ({', '.join(self._kept)}): find"
                " out why, delete these directories, and start the node again"
            )
        if not self._holding.is_held_elsewhere(self._peers):
            return (
                "it waits for a neighbour that holds history from as far back: this node alone has"
                " the oldest"
            )
        return ""
