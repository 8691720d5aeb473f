"""What the look of a change may depend on besides the change itself.

Viewers of one kind see the same bytes, which are made once for all of them. The kind consists of
the capabilities that shape deliveries, of whether the change is about the viewer's user and, for a
few changes, of what `render.kind_of` returns.
"""

from collections.abc import Collection, Mapping

import msgspec

from roost.chat.ids import FoldedNick, Position, RoomId, SessionId, UserId
from roost.chat.state import State


class At(msgspec.Struct, frozen=True, gc=False):
    """The place of a change in the log, and the server that shows it."""

    position: Position
    time_ms: int
    server_name: str


class Viewer(msgspec.Struct):
    """A client that sees a change, as it was at that moment."""

    capabilities: int
    user: UserId = UserId(0)
    """0 for any user whom the change is not about."""
    rooms: Mapping[RoomId, int] = {}
    """The rooms that the user is in, with its status in each."""
    subscribed: Collection[str] = ()
    """The metadata keys that the client subscribed to."""
    monitored: Collection[FoldedNick] = ()
    modes: str = ""
    """The user's modes."""
    nick: str = ""
    """The user's nickname, for the few numerics among the deliveries."""


def viewer_of(state: State, number: SessionId) -> Viewer:
    """Return a session as it is in the state."""
    session = state.sessions[number]
    user = state.users[session.user]
    rooms = {room: state.rooms[room].members[user.id].status for room in user.rooms}
    return Viewer(
        session.capabilities,
        user.id,
        rooms,
        session.subscribed,
        session.monitored,
        user.modes,
        user.nick,
    )
