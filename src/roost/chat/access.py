"""Who may enter a room and who may speak there: questions that change nothing.

Source: modern.ircdocs.horse, "Channel Modes".
"""

from roost.chat.refusals import Reason
from roost.chat.state import ListEntry, Room, User
from roost.chat.step import mask_of
from roost.irc.casemapping import fold
from roost.irc.masks import matches_folded


def is_banned(room: Room, user: User) -> bool:
    """Tell whether a ban matches and no exception does."""
    if not room.bans:
        return False
    mask = fold(mask_of(user))
    return _is_listed(room.bans, mask) and not _is_listed(room.exceptions, mask)


def may_enter(room: Room, user: User, key: str) -> Reason | None:
    """Say why a user may not enter; None when they may.

    An empty room asks for its key and honours its bans, and nothing else.
    """
    if room.key and key != room.key:
        return Reason.BAD_KEY
    if is_banned(room, user):
        return Reason.BANNED
    if (
        "i" in room.modes
        and user.id not in room.invited
        and not _is_listed(room.invitation_masks, fold(mask_of(user)))
    ):
        return Reason.INVITE_ONLY
    if room.limit and len(room.members) >= room.limit:
        return Reason.ROOM_FULL
    return None


def why_silent(room: Room, user: User) -> str:
    """Give the mode that keeps a user from speaking in a room, or "".

    Operators and voiced members always may.
    """
    member = room.members.get(user.id)
    if member is None:
        if "n" in room.modes:
            return "n"
    elif member.status:
        return ""
    if "m" in room.modes:
        return "m"
    return "b" if is_banned(room, user) else ""


def _is_listed(entries: dict[str, ListEntry], folded: str) -> bool:
    return any(matches_folded(mask, folded) for mask in entries)
