"""Who may be told of whom and of which room.

Two modes hide: `+s` hides a room from everybody who is not in it, `+i` hides a user from everybody
who shares no room with them. Every question (NAMES, LIST, WHO, WHOIS) asks here, so that none of
them can leak what another one hides.

Source: modern.ircdocs.horse, "Invisible User Mode" and "Secret Channel Mode".
"""

from roost.chat.state import Room, State, User

HIDES_USER = "i"
HIDES_ROOM = "s"


def can_see_room(viewer: User, room: Room) -> bool:
    """Whether `viewer` may learn that the room exists."""
    return HIDES_ROOM not in room.modes or room.id in viewer.rooms


def shares_room(viewer: User, user: User) -> bool:
    """Whether the two are in a room together."""
    return not set(viewer.rooms).isdisjoint(user.rooms)


def can_see_user(viewer: User, user: User) -> bool:
    """Whether `user` shows up for `viewer` when not asked for by name."""
    return HIDES_USER not in user.modes or viewer.id == user.id or shares_room(viewer, user)


def can_see_membership(viewer: User, user: User, room: Room) -> bool:
    """Whether `viewer` may learn that `user` is in `room`."""
    if viewer.id == user.id or room.id in viewer.rooms:
        return True
    return HIDES_ROOM not in room.modes and HIDES_USER not in user.modes


def visible_rooms(state: State, viewer: User, user: User) -> list[Room]:
    """The rooms of `user` that `viewer` may learn of, in the order they were entered."""
    rooms = (state.rooms[room] for room in user.rooms)
    return [room for room in rooms if can_see_membership(viewer, user, room)]


def room_to_name(state: State, viewer: User, user: User) -> Room | None:
    """One room in which `viewer` may find `user`, a shared one if there is one."""
    for room_id in user.rooms:
        if room_id in viewer.rooms:
            return state.rooms[room_id]
    if HIDES_USER in user.modes and viewer.id != user.id:
        return None
    rooms = (state.rooms[room_id] for room_id in user.rooms)
    return next((room for room in rooms if can_see_room(viewer, room)), None)
