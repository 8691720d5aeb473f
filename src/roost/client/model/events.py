"""Describe events in a sentence, the same live and in history."""

from roost.client.model.entry import Entry, EntryKind
from roost.client.model.incoming import Incoming
from roost.client.model.state import State
from roost.client.model.text import clean_name


def event_entry(state: State, line: Incoming) -> Entry | None:
    """Return the entry for a line that is not a message, or None if there is nothing to show."""
    text = _sentence(state, line)
    if not text:
        return None
    entry = state.entry_of(EntryKind.EVENT, line, text)
    entry.event = line.command.lower()
    return entry


def _sentence(state: State, line: Incoming) -> str:
    who = "You" if state.is_me(line.nick) else clean_name(line.nick)
    reason = line.last if len(line.parameters) > 1 else ""
    match line.command:
        case "JOIN":
            return f"{who} joined"
        case "PART":
            return f"{who} left{_because(reason)}"
        case "QUIT":
            return f"{who} quit{_because(line.word(0))}"
        case "KICK":
            victim = line.word(1)
            shown = "you" if state.is_me(victim) else clean_name(victim)
            reason = line.word(2)
            return f"{who} removed {shown}{_because('' if reason == line.nick else reason)}"
        case "NICK":
            new = clean_name(line.word(0))
            return f"{who} {'are' if who == 'You' else 'is'} now called {new}"
        case "TOPIC":
            topic = line.word(1)
            return f"{who} changed the topic to: {topic}" if topic else f"{who} cleared the topic"
        case "MODE":
            words = " ".join(line.parameters[1:])
            return f"{who} set the modes {words}"
        case "INVITE":
            victim = line.word(0)
            shown = "you" if state.is_me(victim) else clean_name(victim)
            return f"{who} invited {shown} to {clean_name(line.word(1))}"
        case "RENAME":
            new = clean_name(line.word(1))
            return f"{who} renamed the room to {new}{_because(line.word(2))}"
    return ""


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
