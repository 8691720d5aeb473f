"""Who may enter a room and who may speak there. Nothing here changes the state.

Source: modern.ircdocs.horse, "Channel Modes".
"""

from collections.abc import Mapping

from roost.chat.changes import OPERATOR
from roost.chat.ids import FoldedAccount, RoomId
from roost.chat.refusals import Reason
from roost.chat.state import NOTHING, ListEntry, Room, User
from roost.chat.step import mask_of
from roost.irc.casemapping import fold, fold_nick
from roost.irc.extended_bans import is_entry_matched, muting_entries

PRIVATE_MODES = "is"
"""With one of these modes, or with a key, a room is private: its history closes once it empties."""

OPEN_HISTORY_MODE = "H"
OPERATORS_HEAR_MODE = "U"
NO_CTCP_MODE = "C"
CTCP_DELIMITER = "\x01"


def folded_account(user: User) -> FoldedAccount:
    """Return the folded account that a user is logged in to; empty for none."""
    return FoldedAccount(fold_nick(user.account))


def entitled_status(room: Room, user: User) -> int:
    """Return the status that a user's account is entitled to in a registered room."""
    account = folded_account(user)
    if not account or not room.founder:
        return 0
    return OPERATOR if account == room.founder else room.access.get(account, 0)


def is_founder(room: Room, user: User) -> bool:
    """Return whether a user is the founder of a registered room."""
    return bool(room.founder) and folded_account(user) == room.founder


def is_banned(room: Room, user: User) -> bool:
    """Return whether a ban matches and no exception does."""
    return bool(room.bans) and is_listed(room.bans, user) and not is_listed(room.exceptions, user)


def is_muted(room: Room, user: User) -> bool:
    """Return whether a ban or a muting ban matches and no exception does."""
    if not room.bans or is_listed(room.exceptions, user):
        return False
    if is_listed(room.bans, user):
        return True
    is_excepted = is_listed(muting_entries(room.exceptions), user)
    return not is_excepted and is_listed(muting_entries(room.bans), user)


def entry_refusal(room: Room, user: User, key: str) -> Reason | None:
    """Return why a user may not enter, or None if they may.

    A user who would become an operator by entering always may. Otherwise a founder could lock
    themselves out, and nobody could undo it.
    """
    if entitled_status(room, user) & OPERATOR:
        return None
    if room.key and key != room.key:
        return Reason.BAD_KEY
    is_invited = user.id in room.invited
    # "A user who is banned from a channel and who carries an invitation sent by a channel operator
    # is allowed to join the channel" (RFC 2811, section 4.3.1).
    if not is_invited and is_banned(room, user):
        return Reason.BANNED
    if "R" in room.modes and not user.account:
        return Reason.NEEDS_ACCOUNT
    if "i" in room.modes and not is_invited and not is_listed(room.invitation_masks, user):
        return Reason.INVITE_ONLY
    if room.limit and len(room.members) >= room.limit:
        return Reason.ROOM_FULL
    return None


def muting_mode(room: Room, user: User) -> str:
    """Return the mode that keeps a user from speaking in a room; empty if they may speak.

    Operators and voiced members always may.
    """
    member = room.members.get(user.id)
    modes = room.modes
    if member is None:
        if "n" in modes:
            return "n"
    elif member.status:
        return ""
    if "m" in modes:
        return "m"
    if "M" in modes and not user.account:
        return "M"
    return "b" if room.bans and is_muted(room, user) else ""


def is_for_operators(room: Room, user: User, obstacle: str) -> bool:
    """Return whether what a mode keeps a member from saying to all is said to the operators (+U).

    Not what bans hold back: who is banned or muted annoys the operators too.
    """
    return OPERATORS_HEAR_MODE in room.modes and obstacle in ("m", "M") and user.id in room.members


def is_ctcp(text: str, breaks: tuple[int, ...] = ()) -> bool:
    """Return whether a message has a line of CTCP, other than what somebody does (ACTION).

    Source: modern.ircdocs.horse/ctcp.
    """
    for start in (0, *breaks):
        is_framed = text.startswith(CTCP_DELIMITER, start)
        # The command ends with a space, with the delimiter, or with the line.
        command = text[start + 1 : start + 8]
        if is_framed and command.rstrip(f"{CTCP_DELIMITER} \n").upper() != "ACTION":
            return True
    return False


def may_read(room: Room, user: User) -> bool:
    """Return whether a user may read a room's history: a member may.

    With +H, others may whom nothing would keep from entering, unless the room is private.
    """
    if user.id in room.members:
        return True
    is_open = OPEN_HISTORY_MODE in room.modes and not is_private(room)
    return is_open and entry_refusal(room, user, "") is None


def lift_restrictions(room: Room) -> None:
    """Open an empty, unregistered room; the topic and the other modes stay.

    Everything that could keep people out goes, because nobody could lift it: the key, the lists,
    +i, +l and +R, and with them +f. Metadata goes too, because nobody is responsible for it any
    more.
    """
    room.modes = "".join(mode for mode in room.modes if mode not in "iR")
    room.key = ""
    room.limit = 0
    room.forward = RoomId(0)
    room.bans.clear()
    room.exceptions.clear()
    room.invitation_masks.clear()
    room.metadata = NOTHING


def is_private(room: Room) -> bool:
    """Return whether a room's history is for its members only."""
    return bool(room.key) or any(mode in room.modes for mode in PRIVATE_MODES)


def is_listed(entries: Mapping[str, ListEntry], user: User) -> bool:
    """Return whether one of a list's entries matches a user, under any of their hosts.

    An entry that was set while addresses are cloaked does not match the address behind a cloak.
    """
    if not entries:
        return False
    mask, account = fold(mask_of(user)), folded_account(user)
    if any(is_entry_matched(folded, mask, account) for folded in entries):
        return True
    if not user.real_host:
        return False
    start = f"{user.nick}!{user.username}@"
    if user.cloak and user.cloak != user.host:
        cloaked = fold(f"{start}{user.cloak}")
        if any(is_entry_matched(folded, cloaked, account) for folded in entries):
            return True
    real = fold(f"{start}{user.real_host}")
    return any(
        is_entry_matched(folded, real, account)
        for folded, entry in entries.items()
        if not (user.cloak and entry.is_of_cloaks)
    )
