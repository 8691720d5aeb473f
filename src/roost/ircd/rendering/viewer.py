"""Who looks at a change, and where the change stands: what a look may depend on besides the change.

Viewers of one kind see the same bytes, which are made once for all of them. A kind is what the look
depends on: the capabilities that shape deliveries, whether the change is about the viewer's user,
and for some changes more (see `render.kind_of`).
"""

from collections.abc import Collection, Mapping

import msgspec

from roost.chat.ids import FoldedNick, Position, RoomId, SessionId, UserId
from roost.chat.state import State


class At(msgspec.Struct, frozen=True, gc=False):
    """Where a change stands in the log, and which server shows it."""

    position: Position
    time_ms: int
    server_name: str


class Viewer(msgspec.Struct):
    """A client that is shown a change, as it was at that moment."""

    capabilities: int
    user: UserId = UserId(0)
    """0 for anybody whom the change is not about."""
    rooms: Mapping[RoomId, int] = {}
    """The rooms that the user is in, and the user's status in each."""
    subscribed: Collection[str] = ()
    """The keys of metadata that the client is told of."""
    monitored: Collection[FoldedNick] = ()
    modes: str = ""
    """The user's modes."""


def viewer_of(state: State, number: SessionId) -> Viewer:
    """Return a session as the state has it."""
    session = state.sessions[number]
    user = state.users[session.user]
    rooms = {room: state.rooms[room].members[user.id].status for room in user.rooms}
    return Viewer(
        session.capabilities, user.id, rooms, session.subscribed, session.monitored, user.modes
    )
