"""MODE: show or change modes and lists.

Source: modern.ircdocs.horse, "MODE message".
"""

from roost.chat.commands.modes import ModeChange, SetRoomModes, SetUserModes
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import ListEntry, Room
from roost.chat.step import has_operator_rights
from roost.irc import numerics
from roost.irc.extended_bans import is_valid_list_entry, normalise_entry
from roost.irc.message import Message
from roost.irc.names import is_room_name
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.queries.visibility import can_see_room
from roost.ircd.rendering.lines import BODY_BYTES_MAX
from roost.ircd.rendering.packing import middle
from roost.ircd.replies.isupport import LIST_MODES
from roost.ircd.replies.mode_words import pack_changes, parse_room_modes, parse_user_modes
from roost.ircd.serving.dispatch import command

_LISTS = {
    "b": (numerics.RPL_BANLIST, numerics.RPL_ENDOFBANLIST, "End of channel ban list"),
    "e": (numerics.RPL_EXCEPTLIST, numerics.RPL_ENDOFEXCEPTLIST, "End of channel exception list"),
    "I": (numerics.RPL_INVEXLIST, numerics.RPL_ENDOFINVEXLIST, "End of channel invite list"),
}


@command("MODE", parameters_min=1)
def mode(context: Context, message: Message) -> Result:
    """Show or change the modes of a room, or the user's own."""
    target, *words = message.parameters
    if not is_room_name(target):
        return _user_modes(context, target, words[0] if words else "")
    if words and words[0]:
        return _room_modes(context, target, tuple(words))
    _send_room_modes(context, _visible_room(context, target))
    return None


def _visible_room(context: Context, name: str) -> Room:
    room = context.find_room(name)
    if not can_see_room(context.user, room):
        raise RefusedError(Refusal(Reason.NO_SUCH_ROOM, name))
    return room


def _send_room_modes(context: Context, room: Room) -> None:
    """Show the modes; "servers MAY choose to hide sensitive information such as channel keys"."""
    letters = room.modes
    parameters: list[str] = []
    if room.key:
        letters += "k"
        parameters.append(room.key if context.user.id in room.members else "*")
    if room.limit:
        letters += "l"
        parameters.append(str(room.limit))
    target = context.state.rooms.get(room.forward) if room.forward else None
    if target is not None and can_see_room(context.user, target):
        letters += "f"
        parameters.append(target.name)
    context.reply(numerics.RPL_CHANNELMODEIS, room.name, f"+{letters}", *parameters)
    created = str(room.created_ms // 1000)
    context.reply(numerics.RPL_CREATIONTIME, room.name, created)


def _room_modes(context: Context, name: str, words: tuple[str, ...]) -> Result:
    parsed = parse_room_modes(words, context.state.settings.modes_per_line_max)
    if parsed.unknown or parsed.invalid:
        room = _visible_room(context, name)
        if parsed.invalid and not has_operator_rights(room, context.user):
            # "The server MUST not process the message".
            raise RefusedError(Refusal(Reason.NOT_OPERATOR, room.name))
    for letter in parsed.unknown:
        text = "is unknown mode char to me"
        context.reply(numerics.ERR_UNKNOWNMODE, middle(letter), text)
    for change in parsed.invalid:
        text = "Invalid mode parameter"
        parameter = middle(change.parameter)
        context.reply(numerics.ERR_INVALIDMODEPARAM, name, change.letter, parameter, text)
    if parsed.queries:
        room = _visible_room(context, name)
        for letter in parsed.queries:
            _send_list(context, room, letter)
    changes = [_with_whole_mask(change) for change in parsed.changes]
    for change in changes:
        if change.letter not in LIST_MODES:
            continue
        if not is_valid_list_entry(change.letter, change.parameter):
            text = "Unknown extended ban"
            parameter = middle(change.parameter)
            context.reply(numerics.ERR_INVALIDMODEPARAM, name, change.letter, parameter, text)
    user = context.user
    settings = context.state.settings
    head = f":!{user.username}@{user.host} MODE {name} "
    space = BODY_BYTES_MAX - len(head.encode()) - settings.nick_bytes_max
    return tuple(SetRoomModes(name, group) for group in pack_changes(changes, space))


def _with_whole_mask(change: ModeChange) -> ModeChange:
    if change.letter not in LIST_MODES:
        return change
    return ModeChange(change.is_added, change.letter, normalise_entry(change.parameter))


def _send_list(context: Context, room: Room, letter: str) -> None:
    entries: dict[str, ListEntry] = {
        "b": room.bans,
        "e": room.exceptions,
        "I": room.invitation_masks,
    }[letter]
    numeric, end_numeric, end_text = _LISTS[letter]
    for entry in entries.values():
        time = str(entry.time_ms // 1000)
        context.reply(numeric, room.name, entry.mask, entry.setter, time)
    context.reply(end_numeric, room.name, end_text)


def _user_modes(context: Context, target: str, text: str) -> Result:
    """Show or change the user's own modes: "If <target> is a different nick [...] 502"."""
    if context.find_user(target).id != context.user.id:
        raise RefusedError(Refusal(Reason.OTHER_USERS_MODES, target))
    if not text:
        context.reply(numerics.RPL_UMODEIS, f"+{context.user.modes}")
        return None
    changes = parse_user_modes(text, context.state.settings.modes_per_line_max)
    return (SetUserModes(context.user.nick, changes),) if changes else None
