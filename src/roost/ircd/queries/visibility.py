"""Decides who may learn of a room or a user.

`+s` hides a room from everybody outside, and `+i` hides a user from everybody who shares no room
with them. NAMES, LIST, WHO and WHOIS all ask here, so that none of them reveals what another hides.

Source: modern.ircdocs.horse, "Invisible User Mode" and "Secret Channel Mode".
"""

from roost.chat.access import is_private
from roost.chat.state import Room, State, User
from roost.chat.step import INVISIBLE_MODE

HIDES_USER = INVISIBLE_MODE
HIDES_ROOM = "s"


def can_see_room(viewer: User, room: Room) -> bool:
    """Return whether `viewer` may learn that the room exists."""
    return HIDES_ROOM not in room.modes or room.id in viewer.rooms


def can_see_metadata(viewer: User, room: Room) -> bool:
    """Return whether `viewer` may read a room's metadata: an outsider not that of a private one."""
    return room.id in viewer.rooms or not is_private(room)


def shares_room(viewer: User, user: User) -> bool:
    """Return whether two users are in the same room."""
    return not set(viewer.rooms).isdisjoint(user.rooms)


def can_see_user(viewer: User, user: User) -> bool:
    """Return whether `viewer` may see `user` without asking for the nickname."""
    return HIDES_USER not in user.modes or viewer.id == user.id or shares_room(viewer, user)


def can_see_membership(viewer: User, user: User, room: Room) -> bool:
    """Return whether `viewer` may learn that `user` is in `room`."""
    if viewer.id == user.id or room.id in viewer.rooms:
        return True
    return HIDES_ROOM not in room.modes and HIDES_USER not in user.modes


def visible_rooms(state: State, viewer: User, user: User) -> list[Room]:
    """Return the rooms of `user` that `viewer` may learn of, in the order of joining."""
    rooms = (state.rooms[room] for room in user.rooms)
    return [room for room in rooms if can_see_membership(viewer, user, room)]


def room_to_name(state: State, viewer: User, user: User) -> Room | None:
    """Return a room in which `viewer` may see `user`, preferably a shared one."""
    for room_id in user.rooms:
        if room_id in viewer.rooms:
            return state.rooms[room_id]
    if HIDES_USER in user.modes and viewer.id != user.id:
        return None
    rooms = (state.rooms[room_id] for room_id in user.rooms)
    return next((room for room in rooms if can_see_room(viewer, room)), None)
