"""WHO: list users, in the ordinary form or with fields that the client picks (WHOX).

Source: modern.ircdocs.horse, "WHO message"; ircv3.net/specs/extensions/whox.
"""

from collections.abc import Iterable, Iterator

from roost.chat.hosts import is_operator
from roost.chat.ids import FoldedNick, FoldedRoom, RoomId, UserId
from roost.chat.state import Room, User
from roost.chat.step import BOT_MODE
from roost.irc import casemapping, numerics
from roost.irc.capabilities import Capability
from roost.irc.masks import compile_mask, normalise_mask
from roost.irc.message import Message
from roost.ircd.context import Context, Gradual, Result
from roost.ircd.queries.visibility import can_see_room, can_see_user, room_to_name
from roost.ircd.queries.who_options import WhoOptions, parse_options
from roost.ircd.rendering.packing import middle
from roost.ircd.rendering.prefixes import prefixes
from roost.ircd.replies.names_reply import complete, is_crowded, kept_list
from roost.ircd.serving.dispatch import command

HIDDEN_ADDRESS = "255.255.255.255"
"""WHOX's placeholder for an address that is not disclosed."""

MATCHES_MAX = 1000
"""Users in the answer to a mask: more than anybody reads, but a limit to the cost of a line.

The members of a room are always listed completely, because clients keep track of them.
"""


MEMBERS_PER_STEP = 40
"""Members listed before others get their turn: half a millisecond of work, and some 5 kB."""
USERS_PER_STEP = 1000
"""Users compared with a mask before others get their turn: a millisecond or two."""


@command("WHO")
def who(context: Context, message: Message) -> Result:
    """List the members of a room, one user, or all visible users who match."""
    mask = message.parameters[0] if message.parameters else ""
    options = parse_options(message.parameters[1]) if len(message.parameters) > 1 else WhoOptions()
    room_id = context.state.room_names.get(FoldedRoom(casemapping.fold_room(mask)))
    if room_id is not None:
        steps, is_long = _members(context, room_id, options), is_crowded(context, room_id)
    else:
        steps = _matching(context, mask, options)
        is_long = len(context.state.users) > USERS_PER_STEP
    steps = _with_end(context, steps, mask)
    if is_long:
        return Gradual(steps)
    for _ in steps:
        """Few lines are sent at once."""
    return None


def _with_end(context: Context, steps: Iterator[None], mask: str) -> Iterator[None]:
    yield from steps
    context.reply(numerics.RPL_ENDOFWHO, middle(mask), "End of WHO list")


def _members(context: Context, number: RoomId, options: WhoOptions) -> Iterator[None]:
    """List the members of a room; if it is crowded, others get their turn at each step."""
    room = context.state.rooms[number]
    listed = kept_list(context, room)
    if listed is None:
        _send_members(context, number, room.members, options)
        return
    yield from context.steps_that_differ()
    yield from complete(context, listed, number)
    count = 0
    for place in listed.places():
        members = listed.members(place)
        if not _send_members(context, number, members, options):
            return
        count += len(members)
        if count >= MEMBERS_PER_STEP:
            count = 0
            yield


def _send_members(
    context: Context, number: RoomId, members: Iterable[UserId], options: WhoOptions
) -> bool:
    """List some who may be members; return whether the client may see the room."""
    viewer, users = context.user, context.state.users
    room = context.state.rooms.get(number)
    if room is None or not can_see_room(viewer, room):
        return False
    is_inside = room.id in viewer.rooms
    for user_id in members:
        if user_id in room.members:
            user = users[user_id]
            if _is_wanted(user, options) and (is_inside or can_see_user(viewer, user)):
                _send_user(context, user, room, options)
    return True


def _is_wanted(user: User, options: WhoOptions) -> bool:
    return not options.operators_only or is_operator(user)


def _matching(context: Context, mask: str, options: WhoOptions) -> Iterator[None]:
    """List the users for a nickname or mask; whoever knows a nickname sees even a hidden user."""
    state = context.state
    folded = casemapping.fold_nick(mask)
    user_id = state.nicks.get(FoldedNick(folded))
    if user_id is not None:
        _send_if_wanted(context, state.users[user_id], options)
        return
    is_everybody = mask in {"", "0", "*"}
    if not is_everybody and "*" not in mask and "?" not in mask:
        return
    is_address = "!" in mask or "@" in mask
    pattern = compile_mask(normalise_mask(folded) if is_address else folded)
    users = tuple(state.users)
    if len(users) > USERS_PER_STEP:
        yield
    count = 0
    for number, user_id in enumerate(users, 1):
        # Whoever has left since the first step is not there any more.
        user = context.state.users.get(user_id)
        if user is not None and _is_wanted(user, options) and can_see_user(context.user, user):
            text = _subject(user) if is_address else casemapping.fold_nick(user.nick)
            if is_everybody or pattern.fullmatch(text):
                count += 1
                if count > MATCHES_MAX:
                    context.notice(f"*** WHO shows only the first {MATCHES_MAX} users")
                    return
                _send_if_wanted(context, user, options)
                if not count % MEMBERS_PER_STEP and len(users) > USERS_PER_STEP:
                    yield
        if not number % USERS_PER_STEP:
            yield


def _send_if_wanted(context: Context, user: User, options: WhoOptions) -> None:
    if _is_wanted(user, options):
        room = room_to_name(context.state, context.user, user)
        _send_user(context, user, room, options)


def _subject(user: User) -> str:
    return casemapping.fold_nick(f"{user.nick}!{user.username}@{user.host}")


def _send_user(context: Context, user: User, room: Room | None, options: WhoOptions) -> None:
    server = context.config.server_name
    flags = "G" if user.away else "H"
    if is_operator(user):
        flags += "*"
    if room is not None:
        is_multiple = context.has(Capability.MULTI_PREFIX)
        flags += prefixes(room.members[user.id].status, is_multiple=is_multiple)
    if BOT_MODE in user.modes:
        # User modes follow the prefixes (RPL_WHOREPLY).
        flags += BOT_MODE
    name = room.name if room else "*"
    if options.fields is None:
        context.reply(
            numerics.RPL_WHOREPLY,
            name,
            user.username,
            user.host,
            server,
            user.nick,
            flags,
            f"0 {user.realname}",
        )
        return
    idle_ms = max(0, context.now.wall_ms - user.active_ms)
    values = {
        "t": options.token,
        "c": name,
        "u": user.username,
        "i": HIDDEN_ADDRESS,
        "h": user.host,
        "s": server,
        "n": user.nick,
        "f": flags,
        "d": "0",
        "l": str(idle_ms // 1000),
        "a": user.account or "0",
        "o": "n/a",
        "r": user.realname,
    }
    context.reply(numerics.RPL_WHOSPCRPL, *(values[field] for field in options.fields))
