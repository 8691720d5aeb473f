"""Sends current metadata: when a client registers, subscribes, enters a room, or asks.

Clients that negotiated draft/metadata-3 get numerics instead of METADATA, and its codes.

Source: ircv3.net/specs/extensions/metadata.
"""

from collections.abc import Container, Iterable, Iterator

from roost.chat.changes import MetadataChanged, SubscriptionsChanged
from roost.chat.ids import FoldedNick, RoomId, UserId
from roost.chat.refusals import Refusal
from roost.chat.state import Room, User
from roost.irc import casemapping, numerics
from roost.irc.capabilities import Capability
from roost.ircd.context import Context
from roost.ircd.rendering.metadata_lines import BATCH, EVERYBODY, NOT_SET, current
from roost.ircd.rendering.packing import middle, pack, space_left
from roost.ircd.sessions.session import Phase

SYNCED_AT_ONCE_MAX = 500
"""The size of a room above which clients must ask for its metadata, and then get it by steps."""
SYNC_AFTER_S = 5
"""How long clients are told to wait before they ask."""

CLEAR = "CLEAR"
ALL = "*ALL"
"""The target that stands for everybody and everything that the client is told about."""


def has_subscriptions(context: Context) -> bool:
    """Return whether the client subscribed to any metadata."""
    return context.knows_metadata and bool(context.subscribed)


def is_newer(context: Context) -> bool:
    """Return whether the client negotiated draft/metadata-3."""
    return context.has(Capability.METADATA_3)


def send_own(context: Context) -> None:
    """Send a registering client its user's metadata, in a batch that may be empty."""
    if context.knows_metadata:
        user = context.user
        with context.batch(BATCH, user.nick):
            send_all(context, current(user.metadata, user.nick, user.metadata))


def send_on_entering(context: Context, room: Room) -> None:
    """Send the metadata of a room that was entered and of its members.

    "When a metadata-aware client joins a channel, the server MUST send either a `metadata` batch
    [...] or a 774": so it may be empty, but not for clients of the older text.
    """
    if not has_subscriptions(context) and not is_newer(context):
        return
    if len(room.members) > SYNCED_AT_ONCE_MAX:
        send_sync_later(context, room.name)
        return
    found = of_room(context, room, context.subscribed)
    if found or is_newer(context):
        with context.batch(BATCH, room.name):
            send_all(context, found)


def send_sync_later(context: Context, target: str) -> None:
    """Tell the client to ask later."""
    text = ("Try again later",) if is_newer(context) else ()
    context.reply(numerics.RPL_METADATASYNCLATER, target, str(SYNC_AFTER_S), *text)


def send_all(context: Context, found: Iterable[tuple[str, ...]]) -> None:
    """Send METADATA, or the numeric in its place, for each of the given parameters."""
    if is_newer(context):
        for parameters in found:
            context.reply(numerics.RPL_KEYVALUE, *parameters)
    else:
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
    if not has_subscriptions(context) and not is_newer(context):
        return
    for nick in nicks:
        user_id = context.state.nicks.get(FoldedNick(casemapping.fold_nick(nick)))
        if user_id is not None:
            user = context.state.users[user_id]
            found = current(user.metadata, user.nick, context.subscribed)
            if is_newer(context):
                with context.batch(BATCH, user.nick):
                    send_all(context, found)
            else:
                send_all(context, found)


def send_key(context: Context, target: str, key: str, value: str | None) -> None:
    """Send the value of a key."""
    if value is None:
        is_named = is_newer(context) and context.session.phase is not Phase.REGISTERING
        shown = context.nick if target == "*" and is_named else target
        context.reply(numerics.RPL_KEYNOTSET, shown, key, NOT_SET)
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
    if not change.added or not context.knows_metadata:
        return
    if is_newer(context):
        send_everything(context, change.added)
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


def send_everything(context: Context, keys: Iterable[str]) -> None:
    """Send what some keys are for all that the client is told of, or that it should ask later."""
    if is_crowded(context, context.user.rooms):
        send_sync_later(context, ALL)
    else:
        for _ in everything_by_step(context, dict.fromkeys(keys)):
            pass


def is_crowded(context: Context, rooms: Iterable[RoomId]) -> bool:
    """Return whether the metadata of some rooms is too much for one step."""
    return sum(len(context.state.rooms[room].members) for room in rooms) > SYNCED_AT_ONCE_MAX


def everything_by_step(context: Context, keys: Container[str]) -> Iterator[None]:
    """Send what some keys are for all that the client is told about, each user once."""
    done: dict[UserId, None] = {}
    with context.batch(BATCH, ALL):
        _send_of_users(context, (context.user.id,), keys, done)
        for room in context.user.rooms:
            yield from _room_by_step(context, room, keys, done)
        _send_of_users(context, [user.id for user in _monitored(context)], keys, done)


def room_by_step(context: Context, room: Room, keys: Container[str]) -> Iterator[None]:
    """Send what some keys are for a room and its members."""
    with context.batch(BATCH, room.name):
        yield from _room_by_step(context, room.id, keys, {})


def _room_by_step(
    context: Context, number: RoomId, keys: Container[str], done: dict[UserId, None]
) -> Iterator[None]:
    room = context.state.rooms.get(number)
    if room is None:
        # It is gone since the last step.
        return
    send_all(context, current(room.metadata, room.name, keys))
    members = tuple(room.members)
    for start in range(0, len(members), SYNCED_AT_ONCE_MAX):
        _send_of_users(context, members[start : start + SYNCED_AT_ONCE_MAX], keys, done)
        yield


def _send_of_users(
    context: Context, users: Iterable[UserId], keys: Container[str], done: dict[UserId, None]
) -> None:
    for number in users:
        user = context.state.users.get(number)
        if user is not None and number not in done:
            done[number] = None
            send_all(context, current(user.metadata, user.nick, keys))


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
    "SUBCOMMAND_INVALID": "Invalid subcommand",
    "TOO_MANY_SUBS": "Too many subscriptions",
    "VALUE_INVALID": "Value is too long or not UTF8",
}
_PARAMETERS_OF_OLDER = {"LIMIT_REACHED": 1, "TOO_MANY_SUBS": 1, "VALUE_INVALID": 0}
"""How many parameters draft/metadata-2 has of those that draft/metadata-3 has."""
_NEWER = {
    "KEY_INVALID": "INVALID_KEY",
    "SUBCOMMAND_INVALID": "INVALID_PARAMS",
    "TOO_MANY_SUBS": "LIMIT_REACHED",
    "VALUE_INVALID": "INVALID_VALUE",
}
"""Codes of draft/metadata-2 that draft/metadata-3 renames."""
_WARNED = ("GET", "SUB", "UNSUB")
"""Subcommands that draft/metadata-3 continues after an invalid key."""


def refuse(context: Context, code: str, *parameters: str) -> None:
    """Refuse METADATA with a standard reply.

    `code` is that of draft/metadata-2, `parameters` are those of draft/metadata-3.
    """
    text = _TEXTS[code]
    shown = tuple(middle(parameter) for parameter in parameters)
    if not is_newer(context):
        shown = shown[: _PARAMETERS_OF_OLDER.get(code, len(shown))]
        context.fail(code, *shown, text=text, is_specified=True)
    elif code == "KEY_INVALID" and context.targets[:1] and context.targets[0] in _WARNED:
        context.warn(_NEWER[code], *shown, text=text)
    else:
        context.fail(_NEWER.get(code, code), *shown, text=text, is_specified=True)


def needs_more(context: Context, subcommand: str) -> None:
    """Say that parameters are missing."""
    text = "Not enough parameters"
    if is_newer(context):
        context.fail("INVALID_PARAMS", middle(subcommand), text=text, is_specified=True)
    else:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "METADATA", text)


def send_refusal(context: Context, refusal: Refusal) -> None:
    """Send a refusal by the state machine; its `detail` is a code and further parameters."""
    code, *rest = refusal.detail.split(" ")
    if code == "KEY_NOT_SET" and is_newer(context):
        # It is no error "if a client attempts to [...] remove a nonexistent key".
        send_key(context, refusal.subject, rest[0], None)
    else:
        parameters = rest if code == "VALUE_INVALID" else (refusal.subject, *rest)
        refuse(context, code, *parameters)
