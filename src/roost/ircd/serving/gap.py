"""Bridges a gap: what a client missed is not available any more, so it is told how things are.

    HISTORY_LOST, its NICK, PART and JOIN of rooms that it left and entered, user modes
    what is still available of what it missed, and the answers to its lines
    JOIN with topic and members of each room that it is in, whether it is away, its account,
    MONITOR's lists, user modes

Clients take a JOIN to a room that they are in for a new beginning, and forget the old members. It
comes last, because who is in a room is known only for the present.

Lines of the client that took effect in the gap have no answer any more. They are not repeated: each
is answered with ANSWER_LOST.
"""

from collections.abc import Callable, Iterator, Sequence

from roost.chat.ids import RoomId
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_room
from roost.ircd.accounts.login import send_logged_in
from roost.ircd.context import Context
from roost.ircd.delivery.siblings import rooms_for_newcomer, send_join
from roost.ircd.rendering.render import away_reply
from roost.ircd.replies.labels import finish
from roost.ircd.replies.monitor_reply import send_list, send_monitored
from roost.ircd.serving.resumption import send_history_lost
from roost.ircd.sessions.session import Picture

_KNOWS_ACCOUNTS = (Capability.SASL | Capability.ACCOUNT_NOTIFY | Capability.ACCOUNT_TAG).value
"""Whoever has none of these would wonder about being logged out."""


def begin(context: Context, known: Picture, rooms: Sequence[RoomId]) -> bytes:
    """Tell a client that there is a gap, and what became of itself meanwhile.

    `known` is what the client knows. The session has the nickname that the client had at the end of
    the gap, when it was in `rooms`.
    """
    send_history_lost(context)
    state, user = context.state, context.user
    if known.nick and known.nick != context.nick:
        context.send("NICK", context.nick, source=_mask(context, known.nick))
    present = {fold_room(state.rooms[one].name): one for one in rooms if one in state.rooms}
    former = {fold_room(name): name for name in known.rooms}
    for folded, name in former.items():
        if folded not in present:
            context.send("PART", name, source=_mask(context, context.nick))
    for folded, room in present.items():
        if folded not in former:
            send_join(context, state.rooms[room])
    context.reply(numerics.RPL_UMODEIS, f"+{user.modes}")
    return finish(context)


def describe(make_context: Callable[[], Context]) -> Iterator[bytes]:
    """Tell a client of a gap how things are at present."""
    yield from rooms_for_newcomer(make_context, make_context().user.rooms)
    context = make_context()
    known = context.state.sessions[context.session.id]
    if not context.user.away:
        # `rooms_for_newcomer` tells those who are away.
        context.send(*away_reply(context.nick, ""))
    if context.user.account or context.session.capabilities & _KNOWS_ACCOUNTS:
        send_logged_in(context, context.user.account)
    send_monitored(context, known.monitored)
    context.reply(numerics.RPL_UMODEIS, f"+{context.user.modes}")
    yield finish(context)


def _mask(context: Context, nick: str) -> str:
    return f"{nick}!{context.user.username}@{context.user.host}"


def send_answer_lost(context: Context) -> None:
    """Tell the client that its line was handled, but how it went is not known any more.

    If it got the beginning of the answer, this ends it, and a labelled one's batch.
    """
    session = context.session
    context.lines.clear()
    if session.skipped_parts:
        session.part = max(session.part, session.skipped_parts)
    if session.skipped_parts and context.label:
        reference, context.label = context.label_batch, ""
        with context.within(reference):
            _send_lost(context)
        context.send("BATCH", f"-{reference}")
    else:
        _send_lost(context)


def _send_lost(context: Context) -> None:
    text = "This line has been handled, but the answer to it is no longer available"
    if context.has(Capability.STANDARD_REPLIES):
        context.send("NOTE", context.command or "*", "ANSWER_LOST", text)
    else:
        context.notice(f"*** {context.command or 'Line'}: {text}")
    known = context.state.sessions.get(context.session.id)
    if context.command == "MONITOR" and known is not None:
        # Whether all of the names fitted is what the client cannot know.
        send_list(context, numerics.RPL_MONLIST, known.monitored.values())
        context.reply(numerics.RPL_ENDOFMONLIST, "End of MONITOR list")


def is_refusal(context: Context) -> bool:
    """Return whether the answer so far says that the line cannot take effect."""
    words = [line.body.split(" ", 2)[1] for line in context.lines]
    return any(word == "FAIL" or "400" <= word <= "599" for word in words)
