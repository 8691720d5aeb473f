"""Run the slash commands."""

from collections.abc import Callable

from roost.client.model import intents, irc_commands, sending, speech
from roost.client.model.commands import Typed, UnknownCommandError, help_for, parse
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Help, InterfaceCommand, Reconnect
from roost.client.model.state import State
from roost.client.model.text import clean_text
from roost.irc.masks import normalise_mask

Action = Callable[[State, str, tuple[str, ...]], None]


def submit(state: State, key: str, text: str) -> None:
    """Run a command, or send a message."""
    text = text.rstrip("\n")
    if not text.strip():
        return
    try:
        typed = parse(text)
    except UnknownCommandError as error:
        state.toast(str(error), is_error=True)
        return
    intents.remember_typed(state, key, text)
    conversation = state.conversations.get(key)
    if conversation is not None:
        conversation.draft = ""
    if typed is not None:
        _run(state, key, typed)
        return
    if conversation is None or not sending.can_talk(conversation):
        state.toast("You cannot send messages here; join a room first", is_error=True)
        return
    said = text[1:] if text.startswith("//") else text
    sending.send(state, conversation, said, reply_to="", is_action=False)


def _run(state: State, key: str, typed: Typed) -> None:
    name = typed.command.name
    if typed.command.is_interface:
        state.effects.append(InterfaceCommand(name, " ".join(typed.arguments)))
        return
    arguments = typed.arguments
    first, _, rest = typed.rest.partition(" ")
    if typed.command.takes_room and state.offered.is_room(first):
        room = state.room(first)
        if room is None:
            state.toast(f"You are not in {clean_text(first)}", is_error=True)
            return
        key = room.key
        try:
            arguments = typed.command.split(rest.strip())
        except UnknownCommandError as error:
            state.toast(str(error), is_error=True)
            return
    _ACTIONS[name](state, key, arguments)


def _first(arguments: tuple[str, ...]) -> str:
    return arguments[0] if arguments else ""


def _away(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    state.away = _first(arguments) or "Away"
    if state.is_online:
        state.emit("AWAY", state.away)


def _back(state: State, _key: str, _arguments: tuple[str, ...]) -> None:
    state.away = None
    if state.is_online:
        state.emit("AWAY")


def _connect(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    state.effects.append(Reconnect(tuple(arguments[0].split())))


def _close(state: State, key: str, arguments: tuple[str, ...]) -> None:
    wanted = state.fold(_first(arguments)) or key
    if wanted in state.conversations:
        intents.part(state, wanted, "")
    else:
        state.toast(f"There is no conversation {clean_text(arguments[0])}", is_error=True)


def _disconnect(state: State, _key: str, _arguments: tuple[str, ...]) -> None:
    intents.quit_network(state, "")


def _help(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    state.effects.append(Help(help_for(_first(arguments))))


def _ignore(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    mask = _first(arguments)
    if not mask:
        shown = ", ".join(state.ignored) or "nobody"
        state.toast(f"Ignored: {shown}")
    elif intents.ignore(state, mask):
        state.toast(f"Messages from {clean_text(mask)} are hidden now")


def _unignore(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    mask = _first(arguments)
    if not intents.unignore(state, mask):
        state.toast(f"{clean_text(mask)} is not ignored", is_error=True)


def _highlight(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    words, word = state.rules.words, _first(arguments)
    if not word:
        state.toast(f"You watch for: {', '.join([state.nick, *words])}")
    elif word not in words:
        words.append(word)
        state.watch_words()
        state.toast(f"Messages with {word} call you now")


def _unhighlight(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    word = arguments[0]
    if word not in state.rules.words:
        state.toast(f"You do not watch for {word}", is_error=True)
        return
    state.rules.words.remove(word)
    state.watch_words()
    state.toast(f"Messages with {word} no longer call you")


def _notify(state: State, key: str, arguments: tuple[str, ...]) -> None:
    intents.set_level(state, key, _first(arguments).lower())


def _invite(state: State, key: str, arguments: tuple[str, ...]) -> None:
    if len(arguments) > 1:
        _online(state, "INVITE", arguments[0], intents.room_name(state, arguments[1]))
        return
    intents.in_room(state, key, lambda room: state.emit("INVITE", arguments[0], room.target))


def _join(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    password = arguments[1] if len(arguments) > 1 else ""
    for name in arguments[0].split(","):
        intents.join(state, name, password)


def _kick(state: State, key: str, arguments: tuple[str, ...]) -> None:
    intents.in_room(state, key, lambda room: state.emit("KICK", room.target, *arguments))


def _me(state: State, key: str, arguments: tuple[str, ...]) -> None:
    conversation = state.conversations.get(key)
    if conversation is None or not sending.can_talk(conversation):
        state.toast("You cannot send messages here; join a room first", is_error=True)
        return
    sending.send(state, conversation, arguments[0], reply_to="", is_action=True)


def _slap(state: State, key: str, arguments: tuple[str, ...]) -> None:
    _me(state, key, (f"slaps {arguments[0]} around a bit with a large trout",))


def _mode(state: State, key: str, arguments: tuple[str, ...]) -> None:
    words = _first(arguments).split()
    if words and state.fold(words[0]) == state.fold(state.nick):
        irc_commands.own_modes(state, key, (" ".join(words[1:]),))
        return
    intents.in_room(state, key, lambda room: state.emit("MODE", room.target, *words))


def _change_mode(letters: str, *, is_mask: bool = False) -> Action:
    def change(state: State, key: str, arguments: tuple[str, ...]) -> None:
        def each(room: Conversation) -> None:
            for name in arguments[0].split():
                who = normalise_mask(name) if is_mask else name
                state.emit("MODE", room.target, letters, who)

        intents.in_room(state, key, each)

    return change


def _msg(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    name = arguments[0]
    if not intents.is_name(name):
        state.toast("That is not a valid nickname", is_error=True)
        return
    conversation: Conversation | None
    if state.offered.is_room(name):
        conversation = state.room(name)
    else:
        conversation = speech.open_private(state, name)
    if conversation is None:
        state.toast(f"You are not in {clean_text(name)}", is_error=True)
    else:
        sending.send(state, conversation, arguments[1], reply_to="", is_action=False)


def _nick(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    intents.set_nick(state, arguments[0])


def _notice(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    _online(state, "NOTICE", *arguments)


def _part(state: State, key: str, arguments: tuple[str, ...]) -> None:
    intents.part(state, key, _first(arguments))


def _query(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    name, *words = arguments
    key = intents.query(state, name)
    if key is not None and words:
        sending.send(state, state.conversations[key], words[0], reply_to="", is_action=False)


def _quit(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    intents.quit_network(state, _first(arguments))
    state.effects.append(InterfaceCommand("quit", ""))


def _quote(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    intents.raw(state, arguments[0])


def _reconnect(state: State, _key: str, _arguments: tuple[str, ...]) -> None:
    state.effects.append(Reconnect())


def _topic(state: State, key: str, arguments: tuple[str, ...]) -> None:
    conversation = state.conversations.get(key)
    if arguments:
        intents.in_room(state, key, lambda room: state.emit("TOPIC", room.target, arguments[0]))
    elif conversation is not None and conversation.kind is ConversationKind.ROOM:
        state.inform(conversation, f"The topic is: {conversation.topic or 'none'}")


def _whois(state: State, _key: str, arguments: tuple[str, ...]) -> None:
    # "/whois NAME NAME" asks the person's own server; here every node knows.
    _online(state, "WHOIS", arguments[0].split()[-1])


def _online(state: State, command: str, *words: str) -> None:
    if not state.is_online:
        state.toast("You are not connected at the moment", is_error=True)
        return
    if not intents.is_name(words[0]):
        state.toast("That is not a valid name", is_error=True)
        return
    state.emit(command, *words)


_ACTIONS: dict[str, Action] = {
    "away": _away,
    "back": _back,
    "ban": _change_mode("+b", is_mask=True),
    "close": _close,
    "connect": _connect,
    "deop": _change_mode("-o"),
    "devoice": _change_mode("-v"),
    "disconnect": _disconnect,
    "help": _help,
    "highlight": _highlight,
    "ignore": _ignore,
    "invite": _invite,
    "join": _join,
    "kick": _kick,
    "me": _me,
    "mode": _mode,
    "msg": _msg,
    "nick": _nick,
    "notice": _notice,
    "notify": _notify,
    "op": _change_mode("+o"),
    "part": _part,
    "query": _query,
    "quit": _quit,
    "quote": _quote,
    "reconnect": _reconnect,
    "slap": _slap,
    "topic": _topic,
    "unhighlight": _unhighlight,
    "unban": _change_mode("-b", is_mask=True),
    "unignore": _unignore,
    "voice": _change_mode("+v"),
    "whois": _whois,
    **irc_commands.ACTIONS,
}
