"""Finds what is stored of a conversation, and what of it a client may read.

Source: ircv3.net/specs/extensions/chathistory.
"""

from typing import NamedTuple

from roost.chat import history
from roost.chat.access import may_read
from roost.chat.history import Excerpt
from roost.chat.identities import owners, whom
from roost.chat.ids import FoldedNick, FoldedRoom
from roost.irc import casemapping
from roost.irc.names import is_valid_nick
from roost.ircd.context import Context

BATCH = "chathistory"
"""The type of a batch of earlier messages."""


class Conversation(NamedTuple):
    """A conversation, and the part of it that the client may read."""

    name: str
    """The target's canonical name."""
    excerpts: tuple[Excerpt, ...]
    """What it is read from; at least one."""


def find_conversation(context: Context, target: str) -> Conversation | None:
    """Return a conversation; None if it does not exist, or the client may not read it."""
    state, user = context.state, context.user
    if target.startswith("#"):
        room_id = state.room_names.get(FoldedRoom(casemapping.fold_room(target)))
        if room_id is None or not may_read(room := state.rooms[room_id], user):
            return None
        excerpt = Excerpt(history.room_conversation(room_id), room.history_from)
        return Conversation(room.name, (excerpt,))
    if not is_valid_nick(target, state.settings.nick_bytes_max):
        return None
    folded = FoldedNick(casemapping.fold_nick(target))
    peer = state.nicks.get(folded)
    name = target if peer is None else state.users[peer].nick
    return Conversation(name, _private_excerpts(context, folded))


def _private_excerpts(context: Context, folded: FoldedNick) -> tuple[Excerpt, ...]:
    """Return where the user's conversation with somebody is stored.

    "The server SHOULD attempt to include history involving other nicknames if either the current
    user or the target nickname has changed during the requested timeframe."
    """
    state = context.state
    mine = owners(state, context.user)
    excerpts = [
        Excerpt(history.private_conversation(owner.identity, folded), owner.from_position)
        for owner in mine
    ]
    peers, nicks = whom(state, folded)
    excerpts += [
        Excerpt(history.private_conversation(owner.identity, nick), owner.from_position, peers)
        for nick in nicks
        for owner in mine
    ]
    return tuple(excerpts)
