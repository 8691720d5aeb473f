"""Which nodes this one is linked to, and whether it still belongs to the cluster itself.

    the registry in the chat state, and the members of the log --> FollowNodes --> mesh
    a neighbour or the registry says that this node was removed --> the state `removed`

A node that is removed keeps its links until the log does without it: with one of the others gone,
the change that removes it may need it.
"""

from roost.chat.ids import Position
from roost.chat.state import State
from roost.log import Log
from roost.node.engine.effects import FollowNodes, LogEvent

REMOVED = (
    "it was removed from the cluster: stop it; to use the machine again, delete its data and make "
    "a token with `roost members add`"
)


class Belonging:
    """What a node knows of the cluster's nodes."""

    def __init__(self, name: str, members: tuple[str, ...]) -> None:
        """`members` are those of the file, which count while the cluster names none."""
        self._name = name
        self._members = members
        self._seen: tuple[Position, tuple[str, ...]] = (Position(-1), ())
        self._refused_by: dict[str, None] = {}
        self._is_removed = False
        self.nodes = members
        """Those that belong to the cluster, this one included if it does."""

    def look(self, state: State, log: Log) -> tuple[FollowNodes | LogEvent, ...]:
        """Return whom to be linked to, if that has changed since the last call."""
        if not state.nodes:
            return ()
        seen = (state.nodes_changed, log.members)
        if seen == self._seen:
            return ()
        self._seen = seen
        self.nodes = tuple(state.nodes)
        self._is_removed = self._name not in state.nodes
        linked = tuple(dict.fromkeys((*self.nodes, *log.members)))
        fields: dict[str, object] = {"nodes": list(self.nodes), "voters": list(log.voters)}
        return FollowNodes(linked), LogEvent("info", "nodes", fields)

    @property
    def others(self) -> tuple[str, ...]:
        """The nodes that belong to the cluster, without this one."""
        return tuple(name for name in self.nodes if name != self._name)

    def refused(self, peer: str) -> None:
        """Note that a neighbour says that this node was removed."""
        self._refused_by[peer] = None

    def linked(self, peer: str) -> None:
        """Note that a neighbour lets this node in."""
        self._refused_by.pop(peer, None)

    def removal(self, linked: list[str]) -> str:
        """Return what to do if this node was removed; empty if it was not.

        A neighbour that lags behind may still refuse a node that was added again. So what
        neighbours say only counts while none lets this node in.
        """
        is_refused = bool(self._refused_by) and not linked
        return REMOVED if self._is_removed or is_refused else ""
