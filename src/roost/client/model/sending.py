"""Send the user's messages, each exactly once, and track them until they are confirmed.

    WAITING --(connection, window)--> SENDING --(echo, ACK, PONG)--> DELIVERED
                                         |--(refused)--------------> FAILED
                                         |--(connection lost)------> WAITING, `was_written`

A message written to a connection that broke may have arrived. The model looks for it among the
messages that the client missed, by its nonce or else its text, and sends it again only if it is not
there. Without history to look at, the user is asked. At most `WINDOW` messages are unconfirmed at
a time, so that no paste triggers a server's flood protection.

Sources: ircv3.net, "labeled-response", "echo-message", "draft/multiline", "Reply client tag".
"""

from roost.client.model import passwords
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.entry import Delivery, Entry, EntryKind
from roost.client.model.incoming import Incoming
from roost.client.model.markup import from_wire, to_wire
from roost.client.model.offered import CODE_TAG, EDITS_TAG, NONCE_TAG
from roost.client.model.splitting import plan
from roost.client.model.state import Outgoing, Owed, State
from roost.client.model.text import clean_text

WINDOW = 4
"""Messages in flight. Servers allow bursts of five lines or more; one is left for other lines."""
EDITED = "edited"
"""The reason with which an earlier version is deleted."""
UNKNOWN_FATE = "The connection broke before the server confirmed it; others may have seen it."


def send(
    state: State,
    conversation: Conversation,
    text: str,
    *,
    reply_to: str,
    is_action: bool,
    edits: str = "",
) -> None:
    """Queue a message, and send what can be sent; `edits` is the id of its earlier version."""
    language = ""
    secrets = passwords.in_command(conversation.target, text)
    if state.profile.has_markup and not secrets:
        text, language = to_wire(text)
    kind = EntryKind.ACTION if is_action else EntryKind.MESSAGE
    shown = passwords.hide(text, secrets)
    entry = state.new_entry(kind, shown, time_ms=state.moment.time_ms, sender=state.nick)
    entry.is_mine = True
    entry.delivery = Delivery.WAITING
    entry.reply_to = reply_to
    entry.edits, entry.language = edits, language
    message = _queue(state, conversation, entry, is_action=is_action, reply_to=reply_to)
    message.edits = edits
    message.secret = text if shown != text else ""
    flush(state)


def _queue(
    state: State, conversation: Conversation, entry: Entry, *, is_action: bool, reply_to: str
) -> Outgoing:
    nonce = f"{state.nonce}-{state.next_word('')}"
    message = Outgoing(entry, conversation.key, is_action, nonce, reply_to)
    state.outgoing[entry.id] = message
    state.by_nonce[nonce] = message
    conversation.add_pending(entry)
    return message


def flush(state: State) -> None:
    """Send waiting messages in the order typed, as far as the window allows."""
    if state.owed and state.is_online and state.registration.is_welcomed:
        _delete_replaced(state)
    if not state.outgoing or not (state.is_online and state.registration.is_welcomed):
        return
    written: list[Outgoing] = []
    for message in _next(state, WINDOW - len(state.sending)):
        conversation = state.conversations[message.key]
        for part in _prepare(state, conversation, message):
            if len(state.sending) < WINDOW:
                _write(state, conversation, part)
                written.append(part)
    if written and not state.offered.has_labels:
        barrier = state.counter = state.counter + 1
        for message in written:
            message.barrier = barrier
        state.emit("PING", f"{state.nonce}-{barrier}")


def _delete_replaced(state: State) -> None:
    """Delete earlier versions of messages whose new ones are confirmed."""
    for msgid, owed in list(state.owed.items()):
        conversation = state.conversations.get(owed.key)
        if conversation is None:
            del state.owed[msgid]
        elif not owed.is_asked:
            owed.is_asked = True
            state.emit("REDACT", conversation.target, msgid, EDITED)


def _next(state: State, count: int) -> list[Outgoing]:
    """Return up to `count` messages that may be sent now, in the order typed."""
    found: list[Outgoing] = []
    blocked: dict[str, None] = {}
    for message in state.outgoing.values():
        if len(found) >= count:
            break
        if message.entry.delivery is not Delivery.WAITING or message.key in blocked:
            continue
        conversation = state.conversations.get(message.key)
        can_send = conversation is not None and (conversation.is_joined or conversation.is_outside)
        if message.was_written or not can_send:
            blocked[message.key] = None
        else:
            found.append(message)
    return found


def _prepare(state: State, conversation: Conversation, message: Outgoing) -> list[Outgoing]:
    """Split a message into what fits; return what it became, in order."""
    if message.parts:
        return [message]
    chunks = plan(state, conversation.target, message.text, is_action=message.is_action)
    if not chunks:
        _forget(state, conversation, message)
        return []
    message.parts = chunks[0]
    if len(chunks) == 1:
        return [message]
    message.entry.text = passwords.HIDDEN if message.secret else _joined(chunks[0])
    made = [message]
    place = conversation.pending.index(message.entry) + 1
    later = conversation.pending[place:]
    for entry in later:
        conversation.remove_pending(entry)
    behind = _take_behind(state, message)
    for chunk in chunks[1:]:
        entry = state.new_entry(
            message.entry.kind,
            passwords.HIDDEN if message.secret else _joined(chunk),
            time_ms=message.entry.time_ms,
            sender=state.nick,
        )
        entry.is_mine = True
        entry.delivery = Delivery.WAITING
        more = _queue(state, conversation, entry, is_action=message.is_action, reply_to="")
        more.parts = chunk
        made.append(more)
    for entry in later:
        conversation.add_pending(entry)
    state.outgoing.update(behind)
    conversation.update_pending(message.entry)
    return made


def _take_behind(state: State, message: Outgoing) -> dict[int, Outgoing]:
    """Remove from the queue, and return, what was typed after a message."""
    items = list(state.outgoing.items())
    place = next(i for i, (entry_id, _) in enumerate(items) if entry_id == message.entry.id)
    behind = dict(items[place + 1 :])
    for entry_id in behind:
        del state.outgoing[entry_id]
    return behind


def _joined(chunk: tuple[tuple[str, bool], ...]) -> str:
    text = ""
    for number, (part, is_continued) in enumerate(chunk):
        text += part if is_continued or number == 0 else f"\n{part}"
    return text


def _write(state: State, conversation: Conversation, message: Outgoing) -> None:
    offered = state.offered
    tags: list[tuple[str, str]] = []
    if offered.has_labels:
        message.label = state.next_word("s")
        state.by_label[message.label] = message
        tags.append(("label", message.label))
    if message.reply_to and offered.relays_tag("draft/reply"):
        tags.append(("+draft/reply", message.reply_to))
    if message.entry.language and offered.relays_tag(CODE_TAG[1:]):
        tags.append((CODE_TAG, message.entry.language))
    if message.edits and offered.relays_tag(EDITS_TAG[1:]):
        tags.append((EDITS_TAG, message.edits))
    if offered.relays_tag(NONCE_TAG[1:]):
        tags.append((NONCE_TAG, message.nonce))
    target = conversation.target
    if message.is_action:
        state.emit("PRIVMSG", target, f"\x01ACTION {message.parts[0][0]}\x01", tags=tags)
    elif len(message.parts) == 1:
        state.emit("PRIVMSG", target, message.parts[0][0], tags=tags)
    else:
        name = state.next_word("m")
        state.emit("BATCH", f"+{name}", "draft/multiline", target, tags=tags)
        for text, is_continued in message.parts:
            inner = [("batch", name)]
            if is_continued:
                inner.append(("draft/multiline-concat", ""))
            state.emit("PRIVMSG", target, text, tags=inner)
        state.emit("BATCH", f"-{name}")
    message.entry.delivery = Delivery.SENDING
    state.sending[message.entry.id] = message
    conversation.typing_sent_s = 0.0
    conversation.update_pending(message.entry)


def match_echo(
    state: State, conversation: Conversation, line: Incoming, text: str, *, is_action: bool
) -> Outgoing | None:
    """Return the message of this client that a line confirms, if there is one."""
    if not state.outgoing:
        return None
    found = state.by_label.get(line.label) if line.label else None
    if found is not None:
        return found
    nonce = line.tags.get(NONCE_TAG)
    if nonce is not None:
        return state.by_nonce.get(nonce)
    for message in (*state.sending.values(), *_in_doubt(state)):
        if (
            message.key == conversation.key
            and message.is_action == is_action
            and clean_text(message.text) == clean_text(text)
        ):
            return message
    return None


def _in_doubt(state: State) -> list[Outgoing]:
    return [message for message in state.outgoing.values() if message.was_written]


def confirm(state: State, conversation: Conversation, message: Outgoing) -> Entry:
    """Take a delivered message out of the queue; the caller inserts the returned entry."""
    entry = message.entry
    _forget(state, conversation, message)
    entry.delivery = Delivery.DELIVERED
    entry.failure = ""
    if message.edits:
        state.owed[message.edits] = Owed(message.key)
    entry.revision += 1
    return entry


def _forget(state: State, conversation: Conversation, message: Outgoing) -> None:
    state.outgoing.pop(message.entry.id, None)
    state.sending.pop(message.entry.id, None)
    state.by_nonce.pop(message.nonce, None)
    state.by_label.pop(message.label, None)
    if message.entry in conversation.pending:
        conversation.remove_pending(message.entry)


def confirm_without_echo(state: State, message: Outgoing) -> None:
    """Confirm a message for which the server sends no echo."""
    conversation = state.conversations.get(message.key)
    if conversation is not None:
        conversation.append(confirm(state, conversation, message))
    flush(state)


def receive_ack(state: State, label: str) -> None:
    """Confirm the message with a label: the server has handled it."""
    message = state.by_label.get(label)
    if message is not None:
        confirm_without_echo(state, message)


def receive_pong(state: State, barrier: int) -> None:
    """Confirm what was sent before a PING: the server has handled it, or has refused it already."""
    done = [message for message in state.sending.values() if 0 < message.barrier <= barrier]
    for message in done:
        confirm_without_echo(state, message)
    flush(state)


def fail_label(state: State, label: str, reason: str) -> bool:
    """Fail the message with a label; return False if there is none."""
    message = state.by_label.get(label) if label else None
    if message is None:
        return False
    fail(state, message, reason)
    return True


def fail_target(state: State, key: str, reason: str) -> bool:
    """Fail the first message in flight to a target; return False if there is none."""
    for message in state.sending.values():
        if message.key == key:
            fail(state, message, reason)
            return True
    return False


def fail(state: State, message: Outgoing, reason: str) -> None:
    """Note that a message was not delivered; it stays until the user retries or dismisses it."""
    state.by_label.pop(message.label, None)
    state.sending.pop(message.entry.id, None)
    message.label = ""
    message.barrier = 0
    message.was_written = False
    message.entry.delivery = Delivery.FAILED
    message.entry.failure = clean_text(reason)
    conversation = state.conversations.get(message.key)
    if conversation is not None:
        conversation.update_pending(message.entry)
    flush(state)


def retry(state: State, conversation: Conversation, entry: Entry) -> None:
    """Queue a failed message again, behind all others."""
    message = state.outgoing.get(entry.id)
    if message is None or entry.delivery is not Delivery.FAILED:
        return
    entry.delivery = Delivery.WAITING
    entry.failure = ""
    del state.outgoing[entry.id]
    state.outgoing[entry.id] = message
    conversation.remove_pending(entry)
    conversation.add_pending(entry)
    flush(state)


def dismiss(state: State, conversation: Conversation, entry: Entry) -> None:
    """Give up a message that is not in flight."""
    message = state.outgoing.get(entry.id)
    if message is None or entry.delivery is Delivery.SENDING:
        return
    _forget(state, conversation, message)
    if not conversation.draft:
        conversation.draft = from_wire(entry.text, entry.language)


def give_up(state: State, conversation: Conversation, message: Outgoing) -> None:
    """Forget a message, because its conversation is closed."""
    _forget(state, conversation, message)


def connection_lost(state: State) -> None:
    """Note that messages in flight may or may not have arrived."""
    state.by_label.clear()
    for owed in state.owed.values():
        owed.is_asked = False
    for message in state.sending.values():
        message.was_written = True
        message.label = ""
        message.barrier = 0
        message.entry.delivery = Delivery.WAITING
        conversation = state.conversations.get(message.key)
        if conversation is not None:
            conversation.update_pending(message.entry)
    state.sending.clear()


def has_unresolved(state: State, key: str) -> bool:
    """Return whether a message in a conversation may or may not have arrived."""
    return any(message.was_written and message.key == key for message in state.outgoing.values())


def resolve(state: State, key: str, *, is_past_known: bool) -> None:
    """Settle the messages of a conversation that may have arrived.

    With `is_past_known`, all that arrived has been seen: send the others again. Else fail them.
    """
    for message in list(state.outgoing.values()):
        if message.key == key and message.was_written:
            message.was_written = False
            if not is_past_known:
                fail(state, message, UNKNOWN_FATE)
    flush(state)


def fail_waiting(state: State, key: str, reason: str) -> None:
    """Fail the waiting messages of a conversation in which nothing can be sent any more."""
    for message in list(state.outgoing.values()):
        if message.key == key and message.entry.delivery is Delivery.WAITING:
            fail(state, message, reason)


def can_talk(conversation: Conversation) -> bool:
    """Return whether messages can be sent in a conversation."""
    return conversation.kind is not ConversationKind.SERVER
