"""Sends current metadata: when a client registers, subscribes, enters a room, or asks.

Source: ircv3.net/specs/extensions/metadata.
"""

from collections.abc import Container, Iterable

from roost.chat.changes import MetadataChanged, SubscriptionsChanged
from roost.chat.ids import FoldedNick
from roost.chat.refusals import Refusal
from roost.chat.state import Room, User
from roost.irc import casemapping, numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.rendering.metadata_lines import EVERYBODY, current
from roost.ircd.rendering.packing import middle, pack, space_left

BATCH = "metadata"
SYNCED_AT_ONCE_MAX = 500
"""The size of a room above which clients must ask for its metadata."""
SYNC_AFTER_S = 5
"""How long clients are told to wait before they ask."""

CLEAR = "CLEAR"


def has_subscriptions(context: Context) -> bool:
    """Return whether the client subscribed to any metadata."""
    return context.has(Capability.METADATA) and bool(context.subscribed)


def send_own(context: Context) -> None:
    """Send a registering client its user's metadata, in a batch that may be empty."""
    if context.has(Capability.METADATA):
        user = context.user
        with context.batch(BATCH, user.nick):
            for parameters in current(user.metadata, user.nick, user.metadata):
                context.send("METADATA", *parameters)


def send_on_entering(context: Context, room: Room) -> None:
    """Send the metadata of a room that was entered and of its members, if there is any."""
    if not has_subscriptions(context):
        return
    if len(room.members) > SYNCED_AT_ONCE_MAX:
        send_sync_later(context, room.name)
        return
    found = of_room(context, room, context.subscribed)
    if found:
        with context.batch(BATCH, room.name):
            send_all(context, found)


def send_sync_later(context: Context, target: str) -> None:
    """Tell the client to ask later."""
    context.reply(numerics.RPL_METADATASYNCLATER, target, str(SYNC_AFTER_S))


def send_all(context: Context, found: Iterable[tuple[str, ...]]) -> None:
    """Send METADATA for each of the given parameters."""
    for parameters in found:
        context.send("METADATA", *parameters)


def of_room(context: Context, room: Room, keys: Container[str]) -> list[tuple[str, ...]]:
    """Return the values that a room and its members have for some keys."""
    found = current(room.metadata, room.name, keys)
    for user_id in room.members:
        user = context.state.users[user_id]
        if user.metadata:
            found.extend(current(user.metadata, user.nick, keys))
    return found


def send_of_monitored(context: Context, nicks: Iterable[str]) -> None:
    """Send the metadata of users that the client has begun to monitor."""
    if not has_subscriptions(context):
        return
    for nick in nicks:
        user_id = context.state.nicks.get(FoldedNick(casemapping.fold_nick(nick)))
        if user_id is not None:
            user = context.state.users[user_id]
            send_all(context, current(user.metadata, user.nick, context.subscribed))


def send_key(context: Context, target: str, key: str, value: str | None) -> None:
    """Send the value of a key."""
    if value is None:
        context.reply(numerics.RPL_KEYNOTSET, target, key, "key not set")
    else:
        context.reply(numerics.RPL_KEYVALUE, target, key, EVERYBODY, value)


def send_changed(context: Context, change: MetadataChanged) -> None:
    """Answer SET and CLEAR."""
    subcommand, target = context.targets or ("", change.target)
    if subcommand != CLEAR:
        for key, value in change.entries:
            send_key(context, target, key, value)
        return
    with context.batch(BATCH, target):
        for key, value in change.entries:
            send_key(context, target, key, value)


def send_subscriptions(context: Context, change: SubscriptionsChanged) -> None:
    """Confirm SUB or UNSUB, and send the current values of new keys."""
    is_added = context.targets[:1] != ("UNSUB",)
    numeric = numerics.RPL_METADATASUBOK if is_added else numerics.RPL_METADATAUNSUBOK
    send_keys(context, numeric, change.asked)
    if not change.added or not context.has(Capability.METADATA):
        return
    added = dict.fromkeys(change.added)
    rooms = [context.state.rooms[room] for room in context.user.rooms]
    seen: dict[str, None] = {}
    found: list[tuple[str, ...]] = []
    for room in rooms:
        if len(room.members) > SYNCED_AT_ONCE_MAX:
            send_sync_later(context, room.name)
            continue
        found += [one for one in of_room(context, room, added) if one[0] not in seen]
        seen.update(dict.fromkeys(context.state.users[user].nick for user in room.members))
    for user in _monitored(context):
        if user.nick not in seen:
            found += current(user.metadata, user.nick, added)
    send_all(context, found)


def _monitored(context: Context) -> list[User]:
    state = context.state
    session = state.sessions.get(context.session.id)
    nicks = () if session is None else tuple(session.monitored)
    return [state.users[state.nicks[nick]] for nick in nicks if nick in state.nicks]


def send_keys(context: Context, numeric: str, keys: Iterable[str]) -> None:
    """Send names of keys, each as a parameter, in as few lines as possible."""
    for text in pack(keys, space_left(context.config.server_name, context.nick)):
        words = text.split(" ")
        # An IRC message has at most fifteen parameters.
        for start in range(0, len(words), 13):
            context.reply(numeric, *words[start : start + 13])


_TEXTS = {
    "INVALID_TARGET": "Invalid metadata target",
    "KEY_INVALID": "Invalid key",
    "KEY_NO_PERMISSION": "You do not have permission to do that",
    "KEY_NOT_SET": "Key not set",
    "LIMIT_REACHED": "Metadata limit reached",
    "RATE_LIMITED": "Too many changes",
    "TOO_MANY_SUBS": "Too many subscriptions",
    "VALUE_INVALID": "Value is too long or not UTF8",
}


def refuse(context: Context, code: str, *parameters: str) -> None:
    """Refuse METADATA with one of the specification's standard replies."""
    shown = (middle(parameter) for parameter in parameters)
    context.fail(code, *shown, text=_TEXTS[code], is_specified=True)


def send_refusal(context: Context, refusal: Refusal) -> None:
    """Send a refusal by the state machine; its `detail` is a code and further parameters."""
    code, *rest = refusal.detail.split(" ")
    parameters = () if code == "VALUE_INVALID" else (refusal.subject, *rest)
    refuse(context, code, *parameters)
