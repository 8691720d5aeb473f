"""Up to when somebody has read a room or a conversation; it only ever goes forward.

Kept with the account, so that all its clients share it; of who is not logged in, with the user
while online. Nobody else is ever told.

Source: ircv3.net/specs/extensions/read-marker.
"""

from roost.chat.changes import ReadMarked
from roost.chat.commands.messages import MarkRead
from roost.chat.dispatch import applies
from roost.chat.ids import FoldedAccount, FoldedRoom, UserId
from roost.chat.refusals import Reason
from roost.chat.settings import Settings
from roost.chat.state import Account, Room, State, User
from roost.chat.step import Step, source_of
from roost.irc.casemapping import fold_nick, fold_room
from roost.irc.names import is_room_name, is_valid_nick, is_valid_room_name

MARKERS_PER_ACCOUNT_MAX = 1000
"""Rooms and conversations that one account could follow; about 50 kB of the replicated state.
Above it, what was marked longest ago is forgotten."""
MARKERS_PER_USER_MAX = 100
"""Likewise of who is not logged in, which anybody can be: as many rooms as a busy client has."""


def is_valid_target(target: str, settings: Settings) -> bool:
    """Return whether `target` names a room or somebody, there or not."""
    if is_room_name(target):
        return is_valid_room_name(target, settings.room_name_bytes_max)
    return is_valid_nick(target, settings.nick_bytes_max)


def find_marker(state: State, user: User, target: str) -> int | None:
    """Return up to when a user has read, in milliseconds; None when that is not known."""
    return _markers_of(state, user).get(_fold(target))


@applies(MarkRead)
def mark_read(step: Step, user: User, operation: MarkRead) -> None:
    """Move a marker forward, up to the present; whoever asks is told where it is in any case."""
    state = step.state
    target = operation.target
    if not is_valid_target(target, state.settings):
        step.refused(Reason.READ_MARKER, target)
        return
    folded = _fold(target)
    known = find_marker(state, user, target)
    time_ms = max(0, min(operation.time_ms, step.time_ms))
    is_news = known is None or time_ms > known
    account = _account_of(state, user)
    users = (user.id,) if account is None else _users_of(state, account)
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
    """Let a room that has another name keep the markers of who is in it."""
    new = fold_room(room.name)
    if new == old:
        return
    for member in room.members:
        markers = _markers_of(state, state.users[member])
        if old in markers:
            markers[new] = max(markers.pop(old), markers.get(new, 0))


def _markers_of(state: State, user: User) -> dict[str, int]:
    account = _account_of(state, user)
    if account is not None:
        return account.read_markers
    return state.read_markers.get(user.id, {})


def _account_of(state: State, user: User) -> Account | None:
    return state.accounts.get(FoldedAccount(fold_nick(user.account))) if user.account else None


def _users_of(state: State, account: Account) -> tuple[UserId, ...]:
    return tuple(state.users_by_account[FoldedAccount(fold_nick(account.name))])


def _fold(target: str) -> str:
    return fold_room(target) if is_room_name(target) else fold_nick(target)
