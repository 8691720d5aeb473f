"""Gives members the status that their accounts are entitled to in registered rooms."""

from roost.chat.access import entitled_status
from roost.chat.changes import OPERATOR, VOICE, RoomModesChanged, Source
from roost.chat.commands.modes import ModeChange
from roost.chat.ids import UserId
from roost.chat.state import Room, State, User
from roost.chat.step import Step

SERVICE = "ChanServ"
STATUS_LETTERS = {"o": OPERATOR, "v": VOICE}


def service_source(state: State) -> Source:
    """Return ChanServ as the source of changes."""
    return Source(UserId(0), SERVICE, SERVICE, state.services_host)


def grant(step: Step, room: Room, user: User) -> None:
    """Give a member the status that their account is entitled to."""
    missing = entitled_status(room, user) & ~room.members[user.id].status
    changes = []
    for letter, bit in STATUS_LETTERS.items():
        if missing & bit:
            changes.append(ModeChange(True, letter, user.nick))
    if changes:
        room.members[user.id].status |= missing
        show_modes(step, room, tuple(changes))


def grant_everywhere(step: Step, user: User) -> None:
    """Give a user who has logged in what their account is entitled to in each room."""
    for room_id in user.rooms:
        grant(step, step.state.rooms[room_id], user)


def set_status(step: Step, room: Room, user: User, letter: str, *, is_added: bool) -> None:
    """Give a member a status, or take it; do nothing if that is already so."""
    member = room.members[user.id]
    bit = STATUS_LETTERS[letter]
    if bool(member.status & bit) != is_added:
        member.status ^= bit
        show_modes(step, room, (ModeChange(is_added, letter, user.nick),))


def show_modes(step: Step, room: Room, changes: tuple[ModeChange, ...]) -> None:
    """Note mode changes that ChanServ made for a room's owners."""
    source = service_source(step.state)
    step.changed(RoomModesChanged(step.part, source, room.id, room.name, changes))
