"""Run the slash commands that people know from other IRC clients."""

from collections.abc import Callable

from roost.client.model import accounts, intents, sending, speech
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Show
from roost.client.model.state import SERVER_KEY, State
from roost.client.model.text import clean_text
from roost.irc.masks import normalise_mask

Action = Callable[[State, str, tuple[str, ...]], None]
NAMES_MAX = 300
"""Of a room, shown as text; the list at the right has all."""


def _online(state: State) -> bool:
    if not state.is_online:
        state.toast("You are not connected at the moment", is_error=True)
    return state.is_online


def _ask(command: str) -> Action:
    """Return an action that sends a question; its answer is shown where it was typed."""

    def ask(state: State, _key: str, arguments: tuple[str, ...]) -> None:
        if _online(state):
            state.emit(command, *arguments)

    return ask


def _names(state: State, key: str, arguments: tuple[str, ...]) -> None:
    name = intents.room_name(state, arguments[0]) if arguments else ""
    conversation = state.room(name) if name else state.conversations.get(key)
    if conversation is None or not conversation.is_joined:
        if name and _online(state):
            state.emit("NAMES", name)
        elif not name:
            state.toast("Name a room: /names ROOM", is_error=True)
        return
    if conversation.kind is not ConversationKind.ROOM:
        state.toast("Name a room: /names ROOM", is_error=True)
        return
    count = len(conversation.members)
    shown = [f"{member.status[:1]}{member.nick}" for member in conversation.members]
    more = f" and {count - NAMES_MAX:,} more" if count > NAMES_MAX else ""
    where = state.conversations.get(key, conversation)
    people = "person" if count == 1 else "people"
    text = f"{count:,} {people} in {conversation.name}: {', '.join(shown[:NAMES_MAX])}{more}"
    state.inform(where, text)


def _say_to(service: str) -> Action:
    def say(state: State, _key: str, arguments: tuple[str, ...]) -> None:
        conversation = speech.open_private(state, service)
        sending.send(state, conversation, arguments[0], reply_to="", is_action=False)
        # The answer comes there.
        state.effects.append(Show(conversation.key))

    return say


def _say(state: State, key: str, arguments: tuple[str, ...]) -> None:
    conversation = state.conversations.get(key)
    if conversation is None or not sending.can_talk(conversation):
        state.toast("You cannot send messages here; join a room first", is_error=True)
    else:
        sending.send(state, conversation, arguments[0], reply_to="", is_action=False)


def _cycle(state: State, key: str, arguments: tuple[str, ...]) -> None:
    def again(room: Conversation) -> None:
        state.emit("PART", room.target, *arguments)
        intents.want(state, room.target, "")
        state.wants_shown[key] = None
        state.emit("JOIN", room.target)

    intents.in_room(state, key, again)


def _kick_and_ban(state: State, key: str, arguments: tuple[str, ...]) -> None:
    def remove(room: Conversation) -> None:
        state.emit("MODE", room.target, "+b", normalise_mask(arguments[0]))
        state.emit("KICK", room.target, *arguments)

    intents.in_room(state, key, remove)


def _verify(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    accounts.verify(state, arguments[0].strip())


def _bans(state: State, key: str, _arguments: tuple[str, ...]) -> None:
    intents.in_room(state, key, lambda room: state.emit("MODE", room.target, "+b"))


def own_modes(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    if _online(state):
        state.emit("MODE", state.nick, *(arguments[0].split() if arguments else ()))


def _buffer(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    """Go to a conversation by its number or a part of its name."""
    wanted = state.fold(arguments[0].strip())
    others = [key for key in state.order if key != SERVER_KEY]
    if wanted.isascii() and wanted.isdigit():
        place = int(wanted[:6])
        found = (
            state.order[0] if place == 0 else others[place - 1] if place <= len(others) else None
        )
    else:
        exact = [key for key in others if wanted in (key, key.lstrip(state.offered.room_types))]
        found = next(iter(exact or [key for key in others if wanted in key]), None)
    if found is None:
        state.toast(f"There is no conversation {clean_text(arguments[0])}", is_error=True)
    else:
        state.effects.append(Show(found))


ACTIONS: dict[str, Action] = {
    "admin": _ask("ADMIN"),
    "bans": _bans,
    "buffer": _buffer,
    "cs": _say_to("ChanServ"),
    "cycle": _cycle,
    "hs": _say_to("HostServ"),
    "info": _ask("INFO"),
    "kickban": _kick_and_ban,
    "knock": _ask("KNOCK"),
    "lusers": _ask("LUSERS"),
    "motd": _ask("MOTD"),
    "names": _names,
    "ns": _say_to("NickServ"),
    "oper": _ask("OPER"),
    "say": _say,
    "setname": _ask("SETNAME"),
    "time": _ask("TIME"),
    "umode": own_modes,
    "verify": _verify,
    "version": _ask("VERSION"),
    "who": _ask("WHO"),
    "whowas": _ask("WHOWAS"),
}
