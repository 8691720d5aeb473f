"""Which nodes this one is linked to, and whether it still belongs to the cluster itself.

    the registry in the chat state, and the members of the log --> FollowNodes --> mesh
    a neighbour or the registry says that this node was removed --> the state `removed`

A node that is removed keeps its links until the log does without it: with one of the others gone,
the change that removes it may need it. A node that starts, or has been without a leader for a
while, may know nobody of those that belong by now. It is linked to whoever is certified, and the
others decide whether it belongs.
"""

from roost.chat.ids import Position
from roost.chat.state import State
from roost.log import Log
from roost.node.engine.effects import FollowNodes, LogEvent

REMOVED = (
    "it was removed from the cluster: stop it; to use the machine again, delete its data and make "
    "a token with `roost members add`"
)


_NEVER: tuple[Position, tuple[str, ...], int] = (Position(-1), (), 0)

OUT_OF_TOUCH_S = 5.0
"""After so long without a leader, what a node knows of the others may be out of date."""


class Belonging:
    """What a node knows of the cluster's nodes."""

    def __init__(self, name: str, members: tuple[str, ...]) -> None:
        """`members` are those of the file, which count while the cluster names none."""
        self._name = name
        self._members = members
        self._seen = _NEVER
        self._following = FollowNodes(())
        self._in_touch_at: float | None = None
        """When it last had a leader; None before it has caught up with one."""
        self._refused_by: dict[str, None] = {}
        self._is_removed = False
        self.nodes = members
        """Those that belong to the cluster, this one included if it does."""

    def look(self, state: State, log: Log, now: float) -> tuple[FollowNodes | LogEvent, ...]:
        """Return whom to be linked to, if that has changed since the last call."""
        if not state.nodes or not self._is_up_to_date(state, log, now):
            self._seen = _NEVER
            return self._become(FollowNodes((), version=state.version), ())
        seen = (state.nodes_changed, log.members, state.version)
        if seen == self._seen:
            return ()
        self._seen = seen
        self._is_removed = self._name not in state.nodes
        self.nodes = tuple(state.nodes)
        linked = tuple(dict.fromkeys((*self.nodes, *log.members)))
        keys = tuple((name, node.key) for name, node in state.nodes.items() if node.key)
        return self._become(FollowNodes(linked, keys, state.version), log.voters)

    def _become(
        self, follow: FollowNodes, voters: tuple[str, ...]
    ) -> tuple[FollowNodes | LogEvent, ...]:
        if follow == self._following:
            return ()
        self._following = follow
        fields: dict[str, object] = {"linked": list(follow.nodes), "voters": list(voters)}
        return follow, LogEvent("info", "nodes", fields)

    def _is_up_to_date(self, state: State, log: Log, now: float) -> bool:
        """Return whether what the state says of the nodes is to be relied on."""
        status = log.status()
        if status.fault is not None:
            if self._in_touch_at is not None and now - self._in_touch_at >= OUT_OF_TOUCH_S:
                self._in_touch_at = None
            return self._in_touch_at is not None
        if self._in_touch_at is None and (status.lack or state.position < status.commit):
            return False
        if log.is_in_charge:
            # A majority follows this node. The last one of a cluster has no neighbour to let it in.
            self._refused_by.clear()
        self._in_touch_at = now
        return True

    @property
    def nodes_changed(self) -> int:
        """The position of the registry that says who belongs; 0 while it may be an old one."""
        return max(0, self._seen[0])

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
        neighbours say only counts while none lets this node in, and what a former node says only
        while this one does not know who belongs.
        """
        is_known = self._seen != _NEVER
        refusing = [peer for peer in self._refused_by if not is_known or peer in self.nodes]
        is_refused = bool(refusing) and not linked
        return REMOVED if self._is_removed or is_refused else ""
