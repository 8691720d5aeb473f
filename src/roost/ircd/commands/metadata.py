"""METADATA: metadata of users and rooms.

What a client sets and subscribes to while it registers is kept here, and goes to the log with the
rest of its registration.

Source: ircv3.net/specs/extensions/metadata.
"""

from collections.abc import Mapping

from roost.chat.commands.metadata import SetMetadata, SubscribeMetadata
from roost.chat.ids import FoldedNick
from roost.chat.metadata import is_valid_key
from roost.chat.state import Room, User
from roost.irc import casemapping, numerics
from roost.irc.message import Message
from roost.irc.names import is_room_name
from roost.ircd.context import Context, Gradual, Result
from roost.ircd.queries.visibility import can_see_metadata, can_see_room
from roost.ircd.rendering.metadata_lines import BATCH, current
from roost.ircd.rendering.packing import middle
from roost.ircd.replies import metadata_reply
from roost.ircd.replies.metadata_reply import ALL, CLEAR, is_newer, needs_more, refuse, send_key
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.session import Phase

SUBSCRIPTIONS_BATCH = "metadata-subs"


@command("METADATA", is_before_registration=True)
def metadata(context: Context, message: Message) -> Result:
    if len(message.parameters) < 2:
        needs_more(context, "*")
        return None
    target, word, *rest = message.parameters
    subcommand = word.upper()
    context.targets = (subcommand, middle(target))
    if not _is_target_valid(context, subcommand, target):
        refuse(context, "INVALID_TARGET", target)
        return None
    match subcommand:
        case "GET" | "LIST" | "SYNC":
            return _answer(context, subcommand, target, rest)
        case "SET" | "CLEAR":
            return _change(context, subcommand, target, rest)
        case "SUB" | "UNSUB":
            return _subscribe(context, subcommand, rest)
        case "SUBS":
            _send_subscriptions(context)
        case _:
            refuse(context, "SUBCOMMAND_INVALID", word)
    return None


def _is_target_valid(context: Context, subcommand: str, target: str) -> bool:
    if target == "*":
        return True
    if context.session.phase is Phase.REGISTERING:
        # "Clients that have not completed connection registration MUST use `*`".
        return False
    if subcommand not in ("SUB", "UNSUB", "SUBS") or not is_newer(context):
        return True
    return casemapping.fold_nick(target) == casemapping.fold_nick(context.nick)


# Questions


def _answer(context: Context, subcommand: str, target: str, keys: list[str]) -> Result:
    found: Room | User | None = None
    known: Mapping[str, str] | None
    if context.session.phase is Phase.REGISTERING:
        known = context.session.registration.metadata
    elif subcommand == "SYNC" and target == ALL:
        steps = metadata_reply.everything_by_step(context, context.subscribed)
        return Gradual(steps)
    else:
        found = _find(context, target)
        known = None if found is None else _shown(context, found)
    if known is None:
        refuse(context, "INVALID_TARGET", target)
    elif subcommand == "SYNC":
        return _synchronise(context, found, middle(target))
    elif subcommand == "GET" and not keys:
        needs_more(context, subcommand)
    else:
        with context.batch(BATCH, middle(target)):
            for key in keys if subcommand == "GET" else known:
                if is_valid_key(key, context.state.settings):
                    send_key(context, middle(target), key, known.get(key))
                else:
                    refuse(context, "KEY_INVALID", key)
    return None


def _find(context: Context, target: str) -> Room | User | None:
    """Return the user or room that is meant; None if the client cannot see such a one."""
    state = context.state
    if target == "*":
        return context.user
    if is_room_name(target):
        room_id = state.room_names.get(casemapping.fold_room(target))  # type: ignore[call-overload]
        room = None if room_id is None else state.rooms[room_id]
        return room if room is not None and can_see_room(context.user, room) else None
    user_id = state.nicks.get(FoldedNick(casemapping.fold_nick(target)))
    return None if user_id is None else state.users[user_id]


def _shown(context: Context, found: Room | User) -> Mapping[str, str]:
    """Return what the client may see of the metadata of a room or user."""
    if isinstance(found, Room) and not can_see_metadata(context.user, found):
        return {}
    return found.metadata


def _synchronise(context: Context, found: Room | User | None, target: str) -> Result:
    """Send all metadata that the client subscribed to; a room's only to its members."""
    session = context.state.sessions.get(context.session.id)
    wanted = () if session is None else session.subscribed
    parameters: list[tuple[str, ...]] = []
    if isinstance(found, Room) and context.user.id in found.members:
        if metadata_reply.is_crowded(context, (found.id,)):
            return Gradual(metadata_reply.room_by_step(context, found, wanted))
        parameters = metadata_reply.of_room(context, found, wanted)
    elif found is not None:
        name = found.name if isinstance(found, Room) else found.nick
        parameters = current(_shown(context, found), name, wanted)
    with context.batch(BATCH, target):
        metadata_reply.send_all(context, parameters)
    return None


# Changes


def _change(context: Context, subcommand: str, target: str, rest: list[str]) -> Result:
    key = rest[0] if rest else ""
    value = rest[1] if len(rest) > 1 else None
    if not value and is_newer(context):
        # "If the Value parameter is omitted or is an empty string, the key is removed."
        value = None
    if subcommand == CLEAR:
        key, value = "", None
    elif not rest:
        needs_more(context, subcommand)
        return None
    elif not is_valid_key(key, context.state.settings):
        refuse(context, "KEY_INVALID", key)
        return None
    if context.session.phase is not Phase.REGISTERING:
        return (SetMetadata(target, key, value),)
    _change_before(context, key, value)
    return None


def _change_before(context: Context, key: str, value: str | None) -> None:
    """Note what a registering client sets, by the same rules."""
    own, settings = context.session.registration.metadata, context.state.settings
    if not key:
        with context.batch(BATCH, "*"):
            for one in own:
                send_key(context, "*", one, None)
        own.clear()
    elif value is None and key not in own and not is_newer(context):
        refuse(context, "KEY_NOT_SET", "*", key)
    elif value is not None and len(value.encode()) > settings.metadata_value_bytes_max:
        refuse(context, "VALUE_INVALID", key)
    elif key not in own and len(own) >= settings.metadata_keys_max:
        refuse(context, "LIMIT_REACHED", "*", str(settings.metadata_keys_max))
    else:
        if value is None:
            own.pop(key, None)
        else:
            own[key] = value
        send_key(context, "*", key, value)


# Subscriptions


def _subscribe(context: Context, subcommand: str, keys: list[str]) -> Result:
    if not keys:
        needs_more(context, subcommand)
        return None
    if context.session.phase is not Phase.REGISTERING:
        added, removed = (keys, ()) if subcommand == "SUB" else ((), keys)
        return (SubscribeMetadata(tuple(added), tuple(removed)),)
    own, settings = context.session.registration.subscribed, context.state.settings
    done: dict[str, None] = {}
    for key in keys:
        if not is_valid_key(key, settings):
            refuse(context, "KEY_INVALID", key)
        elif subcommand == "UNSUB":
            own.pop(key, None)
            done[key] = None
        elif len(own) >= settings.metadata_subscriptions_max:
            refuse(context, "TOO_MANY_SUBS", key, str(settings.metadata_subscriptions_max))
            break
        else:
            own[key] = done[key] = None
    is_added = subcommand == "SUB"
    numeric = numerics.RPL_METADATASUBOK if is_added else numerics.RPL_METADATAUNSUBOK
    metadata_reply.send_keys(context, numeric, done)
    return None


def _send_subscriptions(context: Context) -> None:
    session = context.state.sessions.get(context.session.id)
    own = tuple(context.session.registration.subscribed)
    if session is not None:
        own = session.subscribed
    with context.batch(SUBSCRIPTIONS_BATCH):
        metadata_reply.send_keys(context, numerics.RPL_METADATASUBS, own)
