"""What a user can do besides sending messages."""

from collections.abc import Callable

from roost.client.model import passwords, registration, sending, speech
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Disconnect, Show
from roost.client.model.entry import Delivery, Entry, EntryKind
from roost.client.model.incoming import format_time
from roost.client.model.rules import Level
from roost.client.model.state import LINES_TYPED_KEPT, State
from roost.client.model.text import clean_name
from roost.irc.masks import matches, normalise_mask

LEVEL_WORDS = {
    Level.ALL: "every message calls you (all)",
    Level.MENTIONS: "mentions and watched words call you (mentions)",
    Level.NONE: "nothing calls you (none)",
    Level.MUTE: "nothing calls you, and nothing is counted (mute)",
}
TYPING_INTERVAL_S = 3.0
""""Clients SHOULD NOT send more than one notification every 3 seconds" (Typing)."""


def is_name(text: str) -> bool:
    """Return whether a text can be a name on the wire."""
    return bool(text) and text[0] != ":" and not any(c in text for c in " ,\r\n\0\x07")


def room_name(state: State, text: str) -> str:
    """Return the name of the room that was typed, with or without its prefix."""
    name = text.strip()
    return name if state.offered.is_room(name) else f"#{name}"


def in_room(state: State, key: str, do: Callable[[Conversation], None]) -> None:
    """Do something in a room that the user has joined, or say why that is not possible."""
    conversation = state.conversations.get(key)
    if conversation is None or conversation.kind is not ConversationKind.ROOM:
        state.toast("This works only in a room", is_error=True)
    elif not state.is_online:
        state.toast("You are not connected at the moment", is_error=True)
    elif not conversation.is_joined:
        state.toast(f"You are not in {conversation.name}", is_error=True)
    else:
        do(conversation)


def react(state: State, key: str, entry: Entry, reaction: str) -> None:
    """React to a message, or remove the same reaction."""
    conversation = state.conversations.get(key)
    offered = state.offered
    if conversation is None or not entry.msgid or not reaction:
        return
    if not state.is_online or not offered.relays_tag("draft/react"):
        state.toast("This server does not support reactions", is_error=True)
        return
    mine = clean_name(state.nick)
    verb = "unreact" if mine in entry.reactions.get(clean_name(reaction), ()) else "react"
    tags = (("+draft/reply", entry.msgid), (f"+draft/{verb}", reaction))
    state.emit("TAGMSG", conversation.target, tags=tags)
    if not offered.has("echo-message"):
        who = entry.reactions.setdefault(clean_name(reaction), [])
        if mine in who:
            who.remove(mine)
        else:
            who.append(mine)
        conversation.update(entry)


def may_redact(state: State, key: str, entry: Entry) -> bool:
    """Return whether a server lets the user delete a message: their own, or any as operator.

    A message of an earlier session is theirs only by its account.
    """
    conversation = state.conversations.get(key)
    if conversation is None or not entry.msgid or not state.offered.has("message-redaction"):
        return False
    me = conversation.members.get(state.fold(state.nick))
    if me is not None and any(status != "+" for status in me.status):
        return True
    if entry.account:
        return state.fold(entry.account) == state.fold(state.account)
    return entry.is_mine and entry.delivery is Delivery.DELIVERED


def redact(state: State, key: str, entry: Entry, reason: str) -> None:
    """Delete a message for everybody."""
    conversation = state.conversations.get(key)
    if conversation is None or not entry.msgid:
        return
    if not state.is_online or not state.offered.has("message-redaction"):
        state.toast("This server does not support deleting messages", is_error=True)
        return
    extra = (reason,) if reason else ()
    state.emit("REDACT", conversation.target, entry.msgid, *extra)


def typing(state: State, key: str, text: str) -> None:
    """Tell the others that the user is typing, or has stopped."""
    conversation = state.conversations.get(key)
    if conversation is None or not sending.can_talk(conversation):
        return
    conversation.draft = text
    is_wanted = state.profile.sends_typing and state.is_online and conversation.is_joined
    if not is_wanted or not state.offered.relays_tag("typing"):
        return
    now = state.moment.monotonic_s
    if not text.strip() or text.startswith("/"):
        if conversation.typing_sent_s:
            conversation.typing_sent_s = 0.0
            state.emit("TAGMSG", conversation.target, tags=(("+typing", "done"),))
    elif not conversation.typing_sent_s or now - conversation.typing_sent_s >= TYPING_INTERVAL_S:
        conversation.typing_sent_s = now
        state.emit("TAGMSG", conversation.target, tags=(("+typing", "active"),))


def join(state: State, name: str, password: str) -> None:
    """Join a room, now or once online."""
    room = room_name(state, name)
    if not is_name(room) or len(room) < 2:
        state.toast(f"{clean_name(room)} is not a valid room name", is_error=True)
        return
    key = state.fold(room)
    known = state.room(room)
    if known is not None and known.is_joined and state.is_online:
        state.effects.append(Show(key))
        return
    state.wants_shown[key] = None
    want(state, room, password)
    if state.is_online and state.registration.is_welcomed:
        registration.join(state, {room: password})


def want(state: State, room: str, password: str) -> None:
    """Join a room once online; until then its conversation is open to type into."""
    state.rooms_wanted[room] = password
    conversation = state.room(room)
    if conversation is None:
        conversation = state.add_conversation(room, room, ConversationKind.ROOM)
    conversation.is_joining = True
    conversation.problem = ""
    conversation.touch()


def part(state: State, key: str, reason: str) -> None:
    """Leave a room, or close a private conversation."""
    conversation = state.conversations.get(key)
    if conversation is None or conversation.kind is ConversationKind.SERVER:
        return
    state.rooms_wanted.pop(conversation.target, None)
    is_there = conversation.kind is ConversationKind.ROOM and conversation.is_joined
    if is_there and state.is_online:
        extra = (reason,) if reason else ()
        state.emit("PART", conversation.target, *extra)
        return
    for message in list(state.outgoing.values()):
        if message.key == key:
            sending.give_up(state, conversation, message)
    if conversation.kind is ConversationKind.PRIVATE and state.is_online:
        if state.offered.number("MONITOR", 0):
            state.emit("MONITOR", "-", conversation.target)
    elif is_there:
        state.toast(f"{conversation.name} will not be joined again")
    state.remove_conversation(key)


def mark_read(state: State, key: str) -> None:
    """Mark a conversation as read, for the user's other clients too."""
    conversation = state.conversations.get(key)
    if conversation is None:
        return
    if conversation.unread or conversation.highlights:
        conversation.unread = conversation.highlights = 0
        state.order_revision += 1
        conversation.touch()
    last = next((e for e in reversed(conversation.entries) if e.msgid or e.sender), None)
    if last is None or last.time_ms <= conversation.read_ms:
        return
    conversation.read_ms = last.time_ms
    conversation.touch()
    is_told = state.is_online and state.offered.has("read-marker")
    if is_told and state.profile.sends_read_markers and sending.can_talk(conversation):
        conversation.read_sent_ms = last.time_ms
        state.emit("MARKREAD", conversation.target, f"timestamp={format_time(last.time_ms)}")


def set_nick(state: State, nick: str) -> None:
    """Request another nickname, now or at the next connection."""
    wanted = nick.strip()
    if not is_name(wanted) or state.offered.is_room(wanted):
        state.toast("That is not a valid nickname", is_error=True)
        return
    state.wanted_nick = wanted
    registering = not state.registration.is_over and state.registration.nicks_tried
    if state.is_online or registering:
        state.registration.nicks_tried = 0
        state.farewell = None
        state.emit("NICK", wanted)
    else:
        state.nick = wanted
        state.watch_words()


def query(state: State, nick: str) -> str | None:
    """Open and show a private conversation; return its key, or None if the name is not possible."""
    if not is_name(nick) or state.offered.is_room(nick):
        state.toast("That is not a valid nickname", is_error=True)
        return None
    key = speech.open_private(state, nick).key
    state.effects.append(Show(key))
    return key


def quit_network(state: State, reason: str) -> None:
    """Send QUIT and close the connection for good."""
    if state.is_online:
        state.emit("QUIT", reason or "Goodbye")
    state.effects.append(Disconnect())


def ignore(state: State, mask: str) -> bool:
    """Hide the messages of a nickname or mask; return False if it was ignored already."""
    if mask in state.ignored:
        return False
    state.ignored.append(mask)
    apply_ignored(state)
    return True


def unignore(state: State, mask: str) -> bool:
    """Show the messages of a nickname or mask again; return False if it was not ignored."""
    if mask not in state.ignored:
        return False
    state.ignored.remove(mask)
    apply_ignored(state)
    return True


def set_level(state: State, key: str, word: str) -> None:
    """Set how much a conversation may call, or say how much it may if `word` is empty."""
    conversation = state.conversations.get(key)
    if conversation is None or not sending.can_talk(conversation):
        state.toast("This works only in a room or a private conversation", is_error=True)
        return
    known = [level.value for level in Level]
    if word and word not in known:
        state.toast(f"{word} is none of {', '.join(known)}", is_error=True)
        return
    if word:
        state.rules.levels[key] = Level(word)
        state.order_revision += 1
    level = state.rules.level(conversation)
    state.toast(f"{conversation.name}: {LEVEL_WORDS[level]}")


def apply_ignored(state: State) -> None:
    """Hide or show the loaded messages as the list of ignored masks says."""
    masks = [normalise_mask(mask) for mask in state.ignored]
    for conversation in state.conversations.values():
        for entry in conversation.entries:
            if entry.kind in (EntryKind.EVENT, EntryKind.INFORMATION, EntryKind.GAP):
                continue
            person = state.people.get(state.fold(entry.sender))
            source = (
                f"{entry.sender}!*@*"
                if person is None
                else f"{entry.sender}!{person.username}@{person.host}"
            )
            is_ignored = not entry.is_mine and any(matches(mask, source) for mask in masks)
            if is_ignored != entry.is_ignored:
                entry.is_ignored = is_ignored
                conversation.update(entry)


def raw(state: State, line: str) -> None:
    """Send a line to the server unchanged."""
    if not state.is_online:
        state.toast("You are not connected at the moment", is_error=True)
        return
    clean = line.replace("\r", " ").replace("\n", " ").replace("\0", "").strip()
    if clean:
        state.lines.append(f"{clean}\r\n".encode())


def remember_typed(state: State, key: str, text: str) -> None:
    """Keep what was typed, for `input_history`, unless a password is in it."""
    conversation = state.conversations.get(key)
    state.unsent.pop(key, None)
    if passwords.find(conversation.target if conversation else "", text):
        state.typed_place[key] = len(state.typed.get(key, []))
        return
    typed = state.typed.setdefault(key, [])
    if not typed or typed[-1] != text:
        typed.append(text)
        del typed[:-LINES_TYPED_KEPT]
    state.typed_place[key] = len(typed)


def input_history(state: State, key: str, step: int, written: str = "") -> str | None:
    """Go back or forth in what was typed; after the last line comes what was `written` before."""
    typed = state.typed.get(key, [])
    before = state.typed_place.get(key, len(typed))
    place = before + step
    if not 0 <= place <= len(typed):
        return None
    if before == len(typed):
        state.unsent[key] = written
    state.typed_place[key] = place
    return typed[place] if place < len(typed) else state.unsent.pop(key, "")
