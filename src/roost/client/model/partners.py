"""Keep a private conversation together when the other person changes their nickname."""

from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.entry import EntryKind
from roost.client.model.incoming import Incoming
from roost.client.model.state import State
from roost.client.model.text import clean_name


def renamed(state: State, conversation: Conversation, nick: str) -> None:
    """Go on under the new nickname; what was said under it before is put together with this."""
    old, key = conversation.key, state.fold(nick)
    other = state.conversations.get(key)
    if other is not None and other is not conversation:
        _merge(state, conversation, other)
        state.remove_conversation(key, goes_to=old)
    state.rename_conversation(conversation, nick)
    conversation.peer = state.person(nick)
    if state.is_online and state.offered.number("MONITOR", 0) and old != key:
        state.emit("MONITOR", "-", old)
        state.emit("MONITOR", "+", nick)


def _merge(state: State, into: Conversation, other: Conversation) -> None:
    known = [entry for entry in other.entries if not entry.msgid or not into.find(entry.msgid)]
    entries = sorted([*into.entries, *known], key=lambda entry: entry.time_ms)
    into.remove(0, len(into.entries))
    into.insert(0, entries)
    for entry in other.pending:
        into.add_pending(entry)
    for message in state.outgoing.values():
        if message.key == other.key:
            message.key = into.key
    into.unread += other.unread
    into.highlights += other.highlights
    into.draft = into.draft or other.draft


def follow(state: State, line: Incoming) -> Conversation | None:
    """Find the conversation with somebody who writes under another nickname than before.

    The account tells who it is. The server tells of a new nickname only those in the same room.
    """
    account = clean_name(line.tags.get("account", ""))
    if not account or state.is_me(line.nick):
        return None
    for conversation in state.conversations.values():
        peer = conversation.peer
        is_private = conversation.kind is ConversationKind.PRIVATE and peer is not None
        if is_private and peer is not None and peer.account == account and not peer.is_online:
            text = f"{peer.nick} is now called {clean_name(line.nick)}"
            entry = state.new_entry(EntryKind.EVENT, text, time_ms=line.time_ms, sender=peer.nick)
            entry.event = "nick"
            conversation.append(entry)
            renamed(state, conversation, line.nick)
            person = state.person(line.nick)
            person.account = account
            return conversation
    return None
