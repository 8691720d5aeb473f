"""MODE, for rooms and users (modern.ircdocs.horse, "Channel Modes", "User Modes")."""

from collections.abc import Mapping

from roost.chat.acceptance import REGISTERED_ONLY_MODE
from roost.chat.access import is_listed
from roost.chat.changes import OPERATOR, VOICE, RoomModesChanged, UserModesChanged
from roost.chat.cloaks import is_cloaking
from roost.chat.commands.modes import ModeChange, SetRoomModes, SetUserModes
from roost.chat.directory import find_room, find_user
from roost.chat.dispatch import applies
from roost.chat.hosts import NOTICES_MODE, OPERATOR_MODE, drop_operator, is_operator
from roost.chat.ids import FoldedNick, RoomId
from roost.chat.refusals import Reason
from roost.chat.state import ListEntry, Room, User
from roost.chat.step import BOT_MODE, Step, has_operator_rights, mask_of, source_of
from roost.irc.casemapping import fold, fold_nick
from roost.irc.extended_bans import is_valid_list_entry, normalise_entry

FLAGS = "CHMRUimnst"
"""Room modes without a parameter."""
USER_MODES = BOT_MODE + REGISTERED_ONLY_MODE + "iosw"
LIMIT_MAX = 1_000_000
MASK_BYTES_MAX = 200
"""More than any nick!user@host has by default; a list reply holds one and its setter."""
_STATUS = {"o": OPERATOR, "v": VOICE}


@applies(SetRoomModes)
def set_room_modes(step: Step, user: User, operation: SetRoomModes) -> None:
    """Change a room's modes one by one; only real changes are shown."""
    room = find_room(step.state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if not has_operator_rights(room, user):
        step.refused(Reason.NOT_OPERATOR, room.name)
        return
    done: list[ModeChange] = []
    for change in operation.changes[: step.state.settings.modes_per_line_max]:
        effective = _change_mode(step, room, user, change)
        if effective is not None:
            done.append(effective)
    if done:
        step.changed(RoomModesChanged(step.part, source_of(user), room.id, room.name, tuple(done)))


def _change_mode(step: Step, room: Room, user: User, change: ModeChange) -> ModeChange | None:
    letter = change.letter
    if letter in FLAGS:
        return _change_flag(room, change)
    if letter in _STATUS:
        return _change_status(step, room, change)
    if letter == "k":
        return _change_key(step, room, change)
    if letter == "l":
        return _change_limit(room, change)
    if letter == "f":
        return _change_forward(step, room, user, change)
    if letter in "beI":
        return _change_list(step, room, user, change)
    return None


def _change_flag(room: Room, change: ModeChange) -> ModeChange | None:
    if (change.letter in room.modes) == change.is_added:
        return None
    if change.is_added:
        room.modes = "".join(sorted(room.modes + change.letter))
    else:
        room.modes = room.modes.replace(change.letter, "")
    return ModeChange(change.is_added, change.letter)


def _change_status(step: Step, room: Room, change: ModeChange) -> ModeChange | None:
    target = find_user(step.state, change.parameter)
    if target is None:
        step.refused(Reason.NO_SUCH_NICK, change.parameter)
        return None
    member = room.members.get(target.id)
    if member is None:
        step.refused(Reason.USER_NOT_IN_ROOM, target.nick, room.name)
        return None
    bit = _STATUS[change.letter]
    if bool(member.status & bit) == change.is_added:
        return None
    member.status ^= bit
    return ModeChange(change.is_added, change.letter, target.nick)


def _change_key(step: Step, room: Room, change: ModeChange) -> ModeChange | None:
    if not change.is_added:
        if not room.key:
            return None
        key, room.key = room.key, ""
        return ModeChange(False, "k", key)
    key = change.parameter
    is_long = len(key.encode()) > step.state.settings.key_bytes_max
    if not key or is_long or key.startswith(":") or any(c <= " " or c == "," for c in key):
        step.refused(Reason.BAD_KEY_FORMAT, room.name)
        return None
    if key == room.key:
        return None
    room.key = key
    return ModeChange(True, "k", key)


def _change_limit(room: Room, change: ModeChange) -> ModeChange | None:
    if not change.is_added:
        if not room.limit:
            return None
        room.limit = 0
        return ModeChange(False, "l")
    text = change.parameter
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return None
    limit = int(text)
    if not 0 < limit <= LIMIT_MAX or limit == room.limit:
        return None
    room.limit = limit
    return ModeChange(True, "l", str(limit))


def _change_forward(step: Step, room: Room, user: User, change: ModeChange) -> ModeChange | None:
    """Set where people go who may not enter; only to a room that the user runs too.

    Otherwise somebody could send a crowd to a room whose operators do not want it.
    """
    if not change.is_added:
        if not room.forward:
            return None
        room.forward = RoomId(0)
        return ModeChange(False, "f")
    target = find_room(step.state, change.parameter)
    if target is None or target is room or not has_operator_rights(target, user):
        step.refused(Reason.FORWARD_INVALID, room.name, change.parameter)
        return None
    if target.id == room.forward:
        return None
    room.forward = target.id
    return ModeChange(True, "f", target.name)


def _change_list(step: Step, room: Room, user: User, change: ModeChange) -> ModeChange | None:
    entries = {"b": room.bans, "e": room.exceptions, "I": room.invitation_masks}[change.letter]
    text = change.parameter
    # A mask that is no valid middle parameter would be shown as something else.
    if not text or text[0] == ":" or any(character <= " " for character in text):
        return None
    if not is_valid_list_entry(change.letter, text):
        return None
    mask = normalise_entry(text)
    if len(mask.encode()) > MASK_BYTES_MAX:
        return None
    folded = fold(mask)
    if not change.is_added:
        entry = entries.pop(folded, None)
        return None if entry is None else ModeChange(False, change.letter, entry.mask)
    if folded in entries:
        return None
    count = len(room.bans) + len(room.exceptions) + len(room.invitation_masks)
    if count >= step.state.settings.list_entries_max:
        step.refused(Reason.LIST_FULL, room.name, change.letter)
        return None
    entry = ListEntry(mask, mask_of(user), step.time_ms, is_cloaking(step.state))
    entries[folded] = entry
    if change.letter == "b":
        _withdraw_invitations(step, room, {folded: entry})
    return ModeChange(True, change.letter, mask)


def _withdraw_invitations(step: Step, room: Room, ban: Mapping[str, ListEntry]) -> None:
    """Withdraw the invitations of those whom a new ban matches, because they would open it."""
    for user_id in list(room.invited):
        user = step.state.users.get(user_id)
        if user is None or is_listed(ban, user):
            del room.invited[user_id]


@applies(SetUserModes)
def set_user_modes(step: Step, user: User, operation: SetUserModes) -> None:
    folded = FoldedNick(fold_nick(operation.nick))
    if folded != fold_nick(user.nick):
        exists = folded in step.state.nicks
        reason = Reason.OTHER_USERS_MODES if exists else Reason.NO_SUCH_NICK
        step.refused(reason, operation.nick)
        return
    done: list[ModeChange] = []
    unknown = ""
    for change in operation.changes:
        if change.letter not in USER_MODES:
            unknown += change.letter
        elif change.is_added and not _may_have(user, change.letter):
            # "If a user attempts to make themselves an operator using the +o flag [...] SHOULD be
            # ignored by the server."
            continue
        elif (change.letter in user.modes) != change.is_added:
            if change.letter == OPERATOR_MODE:
                done += _remove_operator_modes(user)
                continue
            if change.is_added:
                user.modes = "".join(sorted(user.modes + change.letter))
            else:
                user.modes = user.modes.replace(change.letter, "")
            done.append(ModeChange(change.is_added, change.letter))
    if done:
        step.changed(UserModesChanged(step.part, source_of(user), tuple(done)))
    if unknown:
        step.refused(Reason.UNKNOWN_USER_MODE, detail=unknown)


def _may_have(user: User, letter: str) -> bool:
    """Return whether users may give themselves a mode; operators get theirs by OPER only."""
    if letter == NOTICES_MODE:
        return is_operator(user)
    return letter != OPERATOR_MODE


def _remove_operator_modes(user: User) -> list[ModeChange]:
    before = user.modes
    drop_operator(user)
    return [ModeChange(False, letter) for letter in before if letter not in user.modes]
