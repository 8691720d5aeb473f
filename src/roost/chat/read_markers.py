"""Read markers: the times up to which a user has read conversations. They never go back.

An account keeps its own, so that all its clients share them. Those of a user who is not logged in
last as long as the user is online. Nobody else ever sees them.

Source: ircv3.net/specs/extensions/read-marker.
"""

from roost.chat.changes import ReadMarked
from roost.chat.commands.messages import MarkRead
from roost.chat.directory import account_of, users_of
from roost.chat.dispatch import applies
from roost.chat.ids import FoldedRoom
from roost.chat.refusals import Reason
from roost.chat.settings import Settings
from roost.chat.state import Room, State, User
from roost.chat.step import Step, source_of
from roost.irc.casemapping import fold_nick, fold_room
from roost.irc.names import is_room_name, is_valid_nick, is_valid_room_name

MARKERS_PER_ACCOUNT_MAX = 1000
"""Conversations that an account can follow, in about 50 kB of the replicated state. Above this the
marker set longest ago is dropped."""
MARKERS_PER_USER_MAX = 100
"""The same for a user who is not logged in: as many rooms as a busy client has."""


def is_valid_target(target: str, settings: Settings) -> bool:
    """Return whether `target` is a valid name of a room or user, whether or not it exists."""
    if is_room_name(target):
        return is_valid_room_name(target, settings.room_name_bytes_max)
    return is_valid_nick(target, settings.nick_bytes_max)


def find_marker(state: State, user: User, target: str) -> int | None:
    """Return the time up to which a user has read, in milliseconds; None if unknown."""
    return _markers_of(state, user).get(_fold(target))


@applies(MarkRead)
def mark_read(step: Step, user: User, operation: MarkRead) -> None:
    """Move a marker forward, at most to the present; the asker is always told where it is."""
    state = step.state
    target = operation.target
    if not is_valid_target(target, state.settings):
        step.refused(Reason.READ_MARKER, target)
        return
    folded = _fold(target)
    known = find_marker(state, user, target)
    time_ms = max(0, min(operation.time_ms, step.time_ms))
    is_news = known is None or time_ms > known
    account = account_of(state, user)
    users = (user.id,) if account is None else users_of(state, account.name)
    if known is not None and not is_news:
        time_ms = known
    else:
        if account is not None:
            markers, limit = account.read_markers, MARKERS_PER_ACCOUNT_MAX
        else:
            markers, limit = state.read_markers.setdefault(user.id, {}), MARKERS_PER_USER_MAX
        markers.pop(folded, None)
        markers[folded] = time_ms
        while len(markers) > limit:
            del markers[next(iter(markers))]
    step.changed(ReadMarked(step.part, source_of(user), target, time_ms, is_news, users))


def move_markers(state: State, room: Room, old: FoldedRoom) -> None:
    """Move the markers of a renamed room's members to its new name."""
    new = fold_room(room.name)
    if new == old:
        return
    for member in room.members:
        markers = _markers_of(state, state.users[member])
        if old in markers:
            markers[new] = max(markers.pop(old), markers.get(new, 0))


def _markers_of(state: State, user: User) -> dict[str, int]:
    account = account_of(state, user)
    if account is not None:
        return account.read_markers
    return state.read_markers.get(user.id, {})


def _fold(target: str) -> str:
    return fold_room(target) if is_room_name(target) else fold_nick(target)
