"""Handle messages, notices, actions, reactions and typing notices, live and from history.

Sources: modern.ircdocs.horse, "Sending Messages" and CTCP; ircv3.net, "Message Tags", "Reply",
"React" and "Typing" client tags, "message-redaction".
"""

from roost.client.model import partners, passwords, sending
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.entry import Entry, EntryKind
from roost.client.model.incoming import Incoming, parse_time
from roost.client.model.offered import CODE_TAG, EDITS_TAG
from roost.client.model.state import State
from roost.client.model.text import clean_name, clean_text

TYPING_ACTIVE_S = 6.0
TYPING_PAUSED_S = 30.0
"""How long a typing notice is valid ("Typing", "Receiving typing notifications")."""
REACTION_LETTERS_MAX = 32
WAITING_REACTIONS_MAX = 1000
"""Per conversation, of reactions to messages that are not loaded."""
HELD_PREFIX = "The service is not ready"
SERVED_PREFIX = "The service is ready"
"""How a balancer's notices begin when no node can serve its clients, and when one can again."""


def conversation_for(state: State, line: Incoming, *, is_opening: bool) -> Conversation | None:
    """Return the conversation of a message; open a private one if `is_opening`."""
    target = line.word(0)
    bare = target.lstrip(state.offered.statuses)
    if state.offered.is_room(target) or state.offered.is_room(bare):
        return state.room(target) or state.room(bare)
    name = target if state.is_me(line.nick) else line.nick
    if not name:
        return state.server
    found = state.conversations.get(state.fold(name))
    if found is None and is_opening and _may_be_person(state, line, name):
        found = partners.follow(state, line) or open_private(state, name)
    return found


def _may_be_person(state: State, line: Incoming, name: str) -> bool:
    return state.registration.is_over and "." not in name and ("!" in line.source or bool(name))


def open_private(state: State, nick: str) -> Conversation:
    """Return a private conversation, opening it if necessary."""
    found = state.conversations.get(state.fold(nick))
    if found is None:
        found = state.add_conversation(nick, nick, ConversationKind.PRIVATE)
        found.peer = state.person(nick)
        if state.offered.number("MONITOR", 0) and state.is_online:
            state.emit("MONITOR", "+", nick)
        if state.offered.has("read-marker"):
            state.emit("MARKREAD", nick)
    return found


def message_entry(
    state: State, conversation: Conversation, line: Incoming, text: str
) -> Entry | None:
    """Return the entry to show for a PRIVMSG or NOTICE, which may confirm one of the user's."""
    kind = EntryKind.NOTICE if line.command == "NOTICE" else EntryKind.MESSAGE
    if text.startswith("\x01"):
        if not text.startswith("\x01ACTION"):
            return None
        kind = EntryKind.ACTION
        text = text[len("\x01ACTION") :].removesuffix("\x01").removeprefix(" ")
    if state.is_me(line.nick):
        is_action = kind is EntryKind.ACTION
        message = sending.match_echo(state, conversation, line, text, is_action=is_action)
        if message is not None:
            entry = sending.confirm(state, conversation, message)
            entry.msgid, entry.time_ms = line.msgid, line.time_ms
            entry.account = clean_name(line.tags.get("account", ""))
            entry.text = clean_text(_without_passwords(conversation, text))
            return entry
        text = _without_passwords(conversation, text)
    entry = state.entry_of(kind, line, text)
    entry.edits = line.tags.get(EDITS_TAG, "")
    entry.language = line.tags.get(CODE_TAG, "")
    entry.reply_to = line.tags.get("+draft/reply", "") or line.tags.get("+reply", "")
    entry.is_ignored = state.is_ignored(line.source)
    if not entry.is_mine and not entry.is_ignored:
        entry.is_highlight = state.rules.is_highlight(entry.text, conversation.key)
    return entry


def _without_passwords(conversation: Conversation, text: str) -> str:
    return passwords.hide(text, passwords.in_command(conversation.target, text))


def receive_message(state: State, line: Incoming, text: str) -> None:
    """Handle a live PRIVMSG or NOTICE."""
    is_notice = line.command == "NOTICE"
    conversation = conversation_for(state, line, is_opening=not is_notice)
    if conversation is None or conversation.kind is ConversationKind.SERVER:
        _tell(state, line, text)
        return
    if line.msgid and conversation.find(line.msgid) is not None:
        return
    entry = message_entry(state, conversation, line, text)
    if entry is None:
        return
    conversation.typing.pop(entry.sender, None)
    if conversation.peer is not None and entry.account and not entry.is_mine:
        conversation.peer.account = entry.account
    conversation.append(entry)
    apply_waiting_reactions(conversation, entry)
    if entry.is_mine:
        sending.flush(state)
    else:
        state.announce(conversation, entry)


def _tell(state: State, line: Incoming, text: str) -> None:
    """Show what the server or a service says."""
    if text.startswith("\x01") or state.is_ignored(line.source):
        return
    if state.is_me(line.nick):
        state.inform(state.in_view, f"Your notice to {clean_name(line.word(0))}: {text}")
        return
    if line.command == "NOTICE" and "!" not in line.source:
        if text.startswith(HELD_PREFIX):
            state.connection.waiting_text = clean_text(text)
        elif text.startswith(SERVED_PREFIX):
            state.connection.waiting_text = ""
    entry = state.entry_of(EntryKind.NOTICE, line, text)
    state.server.append(entry)
    if line.nick.lower() in passwords.SERVICES:
        # It answers what the user did, who need not look at the server's messages.
        state.toast(f"{entry.sender}: {text}")


def receive_tags(state: State, line: Incoming) -> None:
    """Handle a live TAGMSG."""
    conversation = conversation_for(state, line, is_opening=False)
    if conversation is None or state.is_ignored(line.source):
        return
    typing = line.tags.get("+typing", "") or line.tags.get("+draft/typing", "")
    if typing and not state.is_me(line.nick):
        nick = clean_name(line.nick)
        if typing in ("active", "paused"):
            patience = TYPING_ACTIVE_S if typing == "active" else TYPING_PAUSED_S
            conversation.typing[nick] = state.moment.monotonic_s + patience
        else:
            conversation.typing.pop(nick, None)
        conversation.touch()
    react(conversation, line)


def react(conversation: Conversation, line: Incoming) -> None:
    """Handle a reaction, live or from history; a second time changes nothing."""
    tags = line.tags
    target = tags.get("+draft/reply", "") or tags.get("+reply", "")
    if not target:
        return
    for name, is_added in (("react", True), ("unreact", False)):
        given = tags.get(f"+draft/{name}", "") or tags.get(f"+{name}", "")
        reaction = clean_name(given)[:REACTION_LETTERS_MAX]
        if reaction:
            _react_to(conversation, target, reaction, clean_name(line.nick), is_added=is_added)


def _react_to(
    conversation: Conversation, target: str, reaction: str, nick: str, *, is_added: bool
) -> None:
    entry = conversation.find(target)
    if entry is None:
        waiting = conversation.waiting_reactions
        if target in waiting or len(waiting) < WAITING_REACTIONS_MAX:
            waiting.setdefault(target, []).append((reaction, nick, is_added))
        return
    if _change_reaction(entry, reaction, nick, is_added=is_added):
        conversation.update(entry)


def _change_reaction(entry: Entry, reaction: str, nick: str, *, is_added: bool) -> bool:
    who = entry.reactions.get(reaction, [])
    if is_added == (nick in who):
        return False
    if is_added:
        entry.reactions.setdefault(reaction, []).append(nick)
    else:
        who.remove(nick)
        if not who:
            del entry.reactions[reaction]
    return True


def apply_waiting_reactions(conversation: Conversation, entry: Entry) -> None:
    """Add the reactions that arrived before their message."""
    if not entry.msgid or not conversation.waiting_reactions:
        return
    for reaction, nick, is_added in conversation.waiting_reactions.pop(entry.msgid, []):
        _change_reaction(entry, reaction, nick, is_added=is_added)


def redact(conversation: Conversation, line: Incoming) -> None:
    """Delete a message, live or from history."""
    entry = conversation.find(line.word(1))
    if entry is None or entry.is_redacted:
        return
    later = conversation.later_version(entry.msgid)
    entry.is_replaced = later is not None and later.sender == entry.sender
    entry.is_redacted = True
    entry.text = ""
    entry.reactions.clear()
    entry.failure = clean_text(line.word(2))
    conversation.update(entry)


def receive_redact(state: State, line: Incoming) -> None:
    state.owed.pop(line.word(1), None)
    conversation = conversation_for(state, line, is_opening=False)
    if conversation is not None:
        redact(conversation, line)


def receive_marker(state: State, line: Incoming) -> None:
    """Handle MARKREAD: how far this or another client of the user has read."""
    conversation = state.conversations.get(state.fold(line.word(0)))
    moment = line.word(1)
    if conversation is None or not moment.startswith("timestamp="):
        return
    from_server = parse_marker(moment)
    if from_server is None:
        return
    conversation.read_sent_ms = max(conversation.read_sent_ms, from_server)
    set_read(state, conversation, from_server)


def parse_marker(text: str) -> int | None:
    """Parse "timestamp=..."."""
    return parse_time(text.removeprefix("timestamp="))


def set_read(state: State, conversation: Conversation, read_ms: int) -> None:
    """Advance the read marker, and count what is unread after it."""
    if read_ms <= conversation.read_ms:
        return
    conversation.read_ms = read_ms
    unread = highlights = 0
    spoken = (EntryKind.MESSAGE, EntryKind.NOTICE, EntryKind.ACTION)
    for entry in reversed(conversation.entries):
        if entry.time_ms <= read_ms or unread >= conversation.unread:
            break
        if entry.kind in spoken and not entry.is_mine and not entry.is_ignored:
            unread += 1
            highlights += state.rules.calls(conversation, entry)
    if (unread, highlights) != (conversation.unread, conversation.highlights):
        conversation.unread, conversation.highlights = unread, highlights
        state.order_revision += 1
    conversation.touch()
