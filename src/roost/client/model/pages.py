"""Turn a page of history into entries, without duplicates.

Messages that are known, by id or else by time, sender and text, are dropped.
"""

from roost.client.model import speech
from roost.client.model.conversation import Conversation
from roost.client.model.entry import Entry, EntryKind
from roost.client.model.events import event_entry
from roost.client.model.incoming import Incoming
from roost.client.model.state import State
from roost.client.model.text import clean_text

NEIGHBOURS = 200
"""How many loaded entries on each side a page without message ids is compared with."""


def is_anchor(entry: Entry) -> bool:
    """Return whether the server's history has this entry too."""
    return entry.kind not in (EntryKind.GAP, EntryKind.INFORMATION) and bool(entry.time_ms)


def insert(
    state: State,
    conversation: Conversation,
    index: int,
    lines: list[Incoming],
    *,
    is_new: bool = False,
) -> int:
    """Insert a page; return how many of its entries were new."""
    known = _known_near(conversation, index, lines)
    entries: list[Entry] = []
    later: list[Incoming] = []
    for line in lines:
        if line.command in ("REDACT", "TAGMSG"):
            later.append(line)
            continue
        if line.msgid and conversation.find(line.msgid) is not None:
            continue
        if not line.msgid and _likeness(line) in known:
            continue
        entry = _entry(state, conversation, line)
        if entry is not None:
            speech.apply_waiting_reactions(conversation, entry)
            entries.append(entry)
            known[_likeness(line)] = None
    conversation.insert(index, entries)
    for line in later:
        if line.command == "REDACT":
            speech.redact(conversation, line)
        else:
            speech.react(conversation, line)
    if is_new:
        for entry in entries:
            if entry.kind is not EntryKind.EVENT:
                state.announce(conversation, entry)
    return len(entries)


def _entry(state: State, conversation: Conversation, line: Incoming) -> Entry | None:
    if line.command in ("PRIVMSG", "NOTICE"):
        return speech.message_entry(state, conversation, line, line.word(1))
    return event_entry(state, line)


def _likeness(line: Incoming) -> tuple[int, str, str]:
    text = line.word(1) if line.command in ("PRIVMSG", "NOTICE") else ""
    return line.time_ms, line.nick, clean_text(text)


def _known_near(
    conversation: Conversation, index: int, lines: list[Incoming]
) -> dict[tuple[int, str, str], None]:
    """Collect the entries near a place, to recognise messages without ids."""
    if all(line.msgid for line in lines):
        return {}
    near = conversation.entries[max(0, index - NEIGHBOURS) : index + NEIGHBOURS]
    return {
        (
            entry.time_ms,
            entry.sender,
            "" if entry.kind is EntryKind.EVENT else entry.text,
        ): None
        for entry in near
    }
