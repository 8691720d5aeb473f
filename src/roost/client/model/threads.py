"""Follow replies: what a message answers, and what answers it."""

from roost.client.model.conversation import Conversation
from roost.client.model.entry import Entry

LEVELS_MAX = 1000
"""A chain of replies may be a circle: the tag is the sender's to choose."""


def first(conversation: Conversation, entry: Entry) -> Entry:
    """Return the loaded message with which a chain of replies began."""
    seen = {entry.msgid: None}
    for _ in range(LEVELS_MAX):
        above = conversation.find(entry.reply_to) if entry.reply_to else None
        if above is None or above.msgid in seen:
            break
        seen[above.msgid] = None
        entry = above
    return entry


def thread(conversation: Conversation, entry: Entry) -> list[tuple[int, Entry]]:
    """Return all loaded messages of a thread with their levels, each below what it answers."""
    found: list[tuple[int, Entry]] = []
    seen: dict[int, None] = {}
    waiting = [(0, first(conversation, entry))]
    while waiting:
        level, current = waiting.pop()
        if current.id in seen:
            continue
        seen[current.id] = None
        if not (current.is_redacted and current.is_replaced):
            found.append((level, current))
        answers = conversation.answers(current.msgid) if current.msgid else []
        waiting.extend((level + 1, answer) for answer in reversed(answers))
    return found
