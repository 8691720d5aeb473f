"""Fan-out groups: which of this node's sessions are in which room.

A group holds those sessions of a room that one balancer serves and that see the same bytes. So a
message to a room costs one rendering for each kind of client and one item for each group, but
nothing for each recipient. Balancers learn of every change, in order with the lines.
"""

from collections.abc import Iterator

from roost.chat.ids import RoomId, SessionId
from roost.irc.capabilities import DELIVERY_CAPABILITIES
from roost.ircd.rendering.viewer import Viewer
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.protocol import trunk as frames


class Group:
    """The sessions of a room with one balancer and equal capabilities."""

    __slots__ = ("balancer", "capabilities", "name", "number", "room", "sessions", "size", "viewer")

    def __init__(
        self, number: int, room: RoomId, name: str, balancer: str, capabilities: int
    ) -> None:
        self.number = number
        self.room = room
        self.name = name
        """The room's."""
        self.balancer = balancer
        self.capabilities = capabilities
        """The bits of `irc.capabilities.DELIVERY_CAPABILITIES` that its sessions have."""
        self.viewer = Viewer(capabilities)
        """What its sessions have in common."""
        self.sessions: dict[SessionId, LocalSession] = {}
        self.size = 0
        """How many these are: whoever tells them something need not look at them."""


class Groups:
    """All groups of a node; a group exists while it has members."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._rooms: dict[RoomId, list[Group]] = {}
        self._places: dict[SessionId, tuple[Group, ...]] = {}
        """The groups of each session that is in any."""
        self._next_number = 1

    def of_room(self, room: RoomId) -> list[Group] | tuple[()]:
        """Return the groups of a room; empty if no local session is in it."""
        return self._rooms.get(room, ())

    def sessions_in(self, room: RoomId) -> Iterator[LocalSession]:
        """Iterate over the local sessions in a room."""
        for group in self._rooms.get(room, ()):
            yield from group.sessions.values()

    def size(self, room: RoomId) -> int:
        """Return how many local sessions are in a room."""
        return sum([group.size for group in self._rooms.get(room, ())])

    def rooms_of(self, session: LocalSession) -> list[RoomId]:
        """Return the rooms that a session is in."""
        return [group.room for group in self._places.get(session.id, ())]

    def has(self, session: LocalSession, room: RoomId) -> bool:
        """Return whether a session is in a room."""
        return self._place(session, room) is not None

    def enter(self, session: LocalSession, room: RoomId, name: str) -> None:
        """Add a session to a room of this name, unless it is there."""
        if self.has(session, room):
            return
        kind = session.capabilities & DELIVERY_CAPABILITIES
        group = self._group(room, name, session.balancer, kind)
        group.sessions[session.id] = session
        group.size += 1
        self._places[session.id] = (*self._places.get(session.id, ()), group)
        self._outbox.item(session.balancer, frames.Join(group.number, (session.id,), name))

    def leave(self, session: LocalSession, room: RoomId) -> None:
        """Remove a session from a room, if it is there."""
        group = self._place(session, room)
        if group is not None:
            self._remove(group, session)
            rest = tuple(one for one in self._places[session.id] if one is not group)
            if rest:
                self._places[session.id] = rest
            else:
                del self._places[session.id]
            self._outbox.item(session.balancer, frames.Leave(group.number, (session.id,)))

    def change_kind(self, session: LocalSession) -> None:
        """Move a session to the groups that fit its changed capabilities."""
        kind = session.capabilities & DELIVERY_CAPABILITIES
        for group in self._places.get(session.id, ()):
            if group.capabilities != kind:
                self.leave(session, group.room)
                self.enter(session, group.room, group.name)

    def rename(self, room: RoomId, name: str) -> None:
        """Move the sessions in a room to new groups, because balancers know a group's name."""
        for group in self.of_room(room):
            numbers = tuple(group.sessions)
            self._outbox.item(group.balancer, frames.Leave(group.number, numbers))
            group.name, group.number = name, self._next_number
            self._next_number += 1
            self._outbox.item(group.balancer, frames.Join(group.number, numbers, name))

    def leave_all(self, session: LocalSession) -> None:
        """Remove a session from all rooms, because another node serves it."""
        for group in self._places.get(session.id, ()):
            self.leave(session, group.room)

    def forget(self, session: LocalSession) -> None:
        """Forget a closed session, which its balancer removes from all groups itself."""
        for group in self._places.pop(session.id, ()):
            self._remove(group, session)

    def _place(self, session: LocalSession, room: RoomId) -> Group | None:
        for group in self._places.get(session.id, ()):
            if group.room == room:
                return group
        return None

    def _group(self, room: RoomId, name: str, balancer: str, capabilities: int) -> Group:
        groups = self._rooms.setdefault(room, [])
        for group in groups:
            if group.capabilities == capabilities and group.balancer == balancer:
                return group
        group = Group(self._next_number, room, name, balancer, capabilities)
        self._next_number += 1
        groups.append(group)
        return group

    def _remove(self, group: Group, session: LocalSession) -> None:
        del group.sessions[session.id]
        group.size -= 1
        if not group.size:
            groups = self._rooms[group.room]
            groups.remove(group)
            if not groups:
                del self._rooms[group.room]
