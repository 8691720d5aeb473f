"""Who is in which room, as far as this node's clients go: the balancers' fan-out groups.

A group is the sessions of one room that are held by one balancer and are shown the same bytes. A
room's message thus costs one rendering for each kind of client and one item for each group, never
anything for each recipient. The balancers are told of every change, in its place among the lines.
"""

from collections.abc import Iterator

from roost.chat.ids import RoomId, SessionId
from roost.irc.capabilities import DELIVERY_CAPABILITIES
from roost.ircd.rendering.viewer import Viewer
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.protocol import trunk as frames


class Group:
    """Some of a room's local sessions."""

    __slots__ = ("balancer", "capabilities", "number", "room", "sessions", "viewer")

    def __init__(self, number: int, room: RoomId, balancer: str, capabilities: int) -> None:
        self.number = number
        self.room = room
        self.balancer = balancer
        self.capabilities = capabilities
        """Those of `irc.capabilities.DELIVERY_CAPABILITIES` that its sessions have."""
        self.viewer = Viewer(capabilities)
        """What all sessions of the group have in common."""
        self.sessions: dict[SessionId, LocalSession] = {}


class Groups:
    """All groups of a node; a group exists from its first to its last member."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._rooms: dict[RoomId, list[Group]] = {}
        self._places: dict[SessionId, tuple[Group, ...]] = {}
        """Of the sessions that are in any group."""
        self._next_number = 1

    def of_room(self, room: RoomId) -> list[Group] | tuple[()]:
        """The groups of a room; empty when no local session is in it."""
        return self._rooms.get(room, ())

    def sessions_in(self, room: RoomId) -> Iterator[LocalSession]:
        """The local sessions in `room`."""
        for group in self._rooms.get(room, ()):
            yield from group.sessions.values()

    def rooms_of(self, session: LocalSession) -> list[RoomId]:
        """Return the rooms in whose groups a session is."""
        return [group.room for group in self._places.get(session.id, ())]

    def has(self, session: LocalSession, room: RoomId) -> bool:
        """Whether a session is in the room's groups."""
        return self._place(session, room) is not None

    def enter(self, session: LocalSession, room: RoomId) -> None:
        """A session enters a room; harmless when it is there already."""
        if self.has(session, room):
            return
        group = self._group(room, session.balancer, session.capabilities & DELIVERY_CAPABILITIES)
        group.sessions[session.id] = session
        self._places[session.id] = (*self._places.get(session.id, ()), group)
        self._outbox.item(session.balancer, frames.Join(group.number, (session.id,)))

    def leave(self, session: LocalSession, room: RoomId) -> None:
        """A session leaves a room; harmless when it is not there."""
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
        """A session has other capabilities now: move it where it is shown what it asks for."""
        kind = session.capabilities & DELIVERY_CAPABILITIES
        for group in self._places.get(session.id, ()):
            if group.capabilities != kind:
                self.leave(session, group.room)
                self.enter(session, group.room)

    def leave_all(self, session: LocalSession) -> None:
        """A session leaves every room here, because another node serves it."""
        for group in self._places.get(session.id, ()):
            self.leave(session, group.room)

    def forget(self, session: LocalSession) -> None:
        """A session is closed, and leaves all groups at the balancer by itself."""
        for group in self._places.pop(session.id, ()):
            self._remove(group, session)

    def _place(self, session: LocalSession, room: RoomId) -> Group | None:
        for group in self._places.get(session.id, ()):
            if group.room == room:
                return group
        return None

    def _group(self, room: RoomId, balancer: str, capabilities: int) -> Group:
        groups = self._rooms.setdefault(room, [])
        for group in groups:
            if group.capabilities == capabilities and group.balancer == balancer:
                return group
        group = Group(self._next_number, room, balancer, capabilities)
        self._next_number += 1
        groups.append(group)
        return group

    def _remove(self, group: Group, session: LocalSession) -> None:
        del group.sessions[session.id]
        if not group.sessions:
            groups = self._rooms[group.room]
            groups.remove(group)
            if not groups:
                del self._rooms[group.room]
