"""The slash commands: their names, parameters and help."""

from typing import NamedTuple


class UnknownCommandError(Exception):
    """There is no such command, or an argument is missing; the text is for people."""


class Command(NamedTuple):
    """A slash command."""

    name: str
    parameters: str
    """As the help shows them: NAME is required, [NAME] is optional."""
    help: str
    is_interface: bool = False
    """Whether the interface runs it, not the model."""
    words: int = 1
    """The greatest number of arguments; the last one takes the rest of the line."""
    takes_room: bool = False
    """Whether the name of another room may come first; otherwise it is about the one in view."""

    @property
    def usage(self) -> str:
        room = "[ROOM] " if self.takes_room else ""
        return f"/{self.name} {room}{self.parameters}".rstrip()

    def split(self, rest: str) -> tuple[str, ...]:
        """Split what follows the command into its arguments.

        Raises:
            UnknownCommandError: one is missing.
        """
        arguments = tuple(rest.split(None, self.words - 1)) if rest else ()
        needed = len(self.parameters.partition("[")[0].split())
        if len(arguments) < min(needed, self.words):
            raise UnknownCommandError(f"Usage: {self.usage}")
        return arguments


class Typed(NamedTuple):
    """A parsed command line."""

    command: Command
    arguments: tuple[str, ...]
    rest: str
    """All of them, as they were typed."""


_TABLE = (
    Command("account", "", "Make an account, log in, change the password.", is_interface=True),
    Command("admin", "", "Show who runs the server."),
    Command("away", "[MESSAGE]", "Mark yourself as away; /back ends it."),
    Command("back", "", "Mark yourself as present again."),
    Command("ban", "NAME", "Ban a person or a mask from this room.", takes_room=True),
    Command("bans", "", "List who is banned from this room.", takes_room=True),
    Command("buffer", "NUMBER", "Go to a conversation, by its number or name."),
    Command("clear", "", "Go to the latest message.", is_interface=True),
    Command("close", "[NAME]", "Close this conversation or room, or another."),
    Command("connect", "ADDRESS", "Connect to another server."),
    Command("cs", "COMMAND", "Send a command to ChanServ; /cs HELP lists them."),
    Command("cycle", "[REASON]", "Leave this room and join it again.", takes_room=True),
    Command("date", "DATE", "Go to the messages of a day.", is_interface=True),
    Command("deop", "NAME", "Take away somebody's operator status.", takes_room=True),
    Command("devoice", "NAME", "Take away somebody's voice.", takes_room=True),
    Command("disconnect", "", "Close the connection and stay offline."),
    Command("edit", "[TEXT]", "Edit your last message.", is_interface=True),
    Command("find", "[TEXT]", "Search in the loaded messages.", is_interface=True),
    Command("help", "[COMMAND]", "Show all commands, or the help for one."),
    Command("highlight", "[WORD]", "Let a word call you; #ROOM WORD for one room."),
    Command("hs", "COMMAND", "Send a command to HostServ; /hs HELP lists them."),
    Command("ignore", "[NAME]", "Ignore somebody, or list who is ignored."),
    Command("info", "", "Show what the server says about itself."),
    Command("invite", "NAME [ROOM]", "Invite somebody to a room.", words=2),
    Command("join", "ROOM [PASSWORD]", "Join a room, or create it.", words=2),
    Command("jump", "LINK", "Go to the message of a link.", is_interface=True),
    Command("keys", "", "Show the keyboard shortcuts.", is_interface=True),
    Command("kick", "NAME [REASON]", "Remove somebody from this room.", words=2, takes_room=True),
    Command("kickban", "NAME [REASON]", "Ban somebody and remove them.", words=2, takes_room=True),
    Command("knock", "ROOM [TEXT]", "Ask to be invited to a room.", words=2),
    Command(
        "list",
        "[TEXT]",
        "List the rooms, or those with TEXT in their name or topic.",
        is_interface=True,
    ),
    Command("login", "[ACCOUNT]", "Log in to an account.", is_interface=True),
    Command("logout", "", "Log out of your account.", is_interface=True),
    Command("lusers", "", "Count the people on the network."),
    Command("me", "TEXT", "Describe what you do: /me waves."),
    Command("mode", "[MODES]", "Show or change the room's modes.", takes_room=True),
    Command("motd", "", "Show the message of the day."),
    Command("msg", "NAME TEXT", "Send somebody a private message.", words=2),
    Command("names", "[ROOM]", "List the people in a room."),
    Command("nick", "NAME", "Change your nickname."),
    Command("notice", "NAME TEXT", "Send a notice.", words=2),
    Command("notify", "[LEVEL]", "What calls you here: all, mentions, none or mute."),
    Command("ns", "COMMAND", "Send a command to NickServ; /ns HELP lists them."),
    Command("op", "NAME", "Make somebody an operator of this room.", takes_room=True),
    Command("oper", "NAME PASSWORD", "Become a network operator.", words=2),
    Command("part", "[REASON]", "Leave this room.", takes_room=True),
    Command("password", "", "Change the password of your account.", is_interface=True),
    Command("query", "NAME [TEXT]", "Open a private conversation, and say TEXT.", words=2),
    Command("quit", "[REASON]", "Disconnect and quit."),
    Command("quote", "LINE", "Send a raw line to the server."),
    Command("react", "REACTION", "React to the chosen or last message.", is_interface=True),
    Command("reconnect", "", "Connect again now."),
    Command("register", "", "Make your nickname an account.", is_interface=True),
    Command("rooms", "[TEXT]", "List the rooms, like /list.", is_interface=True),
    Command("say", "TEXT", "Say something, even if it begins with /."),
    Command("search", "[TEXT]", "Search in everything that was said.", is_interface=True),
    Command("server", "[NAME]", "Go to another server, or open it.", is_interface=True),
    Command("set", "", "Open the settings.", is_interface=True),
    Command("setname", "TEXT", "Change your real name."),
    Command("slap", "NAME", "Slap somebody with a trout: an old custom."),
    Command("theme", "[NAME]", "Choose a theme; without NAME, light or dark.", is_interface=True),
    Command("thread", "", "Show the replies to the chosen message.", is_interface=True),
    Command("time", "", "Show the server's time."),
    Command("topic", "[TEXT]", "Show or change the room's topic.", takes_room=True),
    Command("umode", "[MODES]", "Show or change your own modes."),
    Command("unban", "NAME", "Remove a ban.", takes_room=True),
    Command("unhighlight", "WORD", "Let a word no longer call you."),
    Command("unignore", "NAME", "Show somebody's messages again."),
    Command("verify", "CODE", "Complete your account with a code from an e-mail."),
    Command("version", "", "Show the server's version."),
    Command("voice", "NAME", "Let somebody speak in a moderated room.", takes_room=True),
    Command("who", "NAME", "List who is in a room or matches a mask."),
    Command("whois", "NAME", "Show who somebody is."),
    Command("whowas", "NAME", "Show who somebody was."),
)
COMMANDS: dict[str, Command] = {command.name: command for command in _TABLE}
ALIASES = {
    "b": "buffer",
    "banlist": "bans",
    "chanserv": "cs",
    "exit": "quit",
    "h": "help",
    "hop": "cycle",
    "hostserv": "hs",
    "j": "join",
    "kb": "kickban",
    "leave": "part",
    "m": "msg",
    "n": "names",
    "nickserv": "ns",
    "q": "query",
    "raw": "quote",
    "unquery": "close",
    "w": "whois",
    "wc": "close",
    "win": "buffer",
    "window": "buffer",
}


def parse(text: str) -> Typed | None:
    """Parse what was typed; return None if it is a message.

    A message that begins with "/" is typed with "//".

    Raises:
        UnknownCommandError: it is a command, but not one that can be run.
    """
    if not text.startswith("/") or text.startswith(("//", "/ ")) or text == "/":
        return None
    word, _, rest = text[1:].partition(" ")
    if "/" in word or "\n" in word:
        return None
    name = word.lower()
    name = ALIASES.get(name, name)
    command = COMMANDS.get(name)
    if command is None:
        near = [known for known in COMMANDS if known.startswith(name[:2])]
        hint = f" Did you mean /{near[0]}?" if near else " /help lists the commands."
        raise UnknownCommandError(f"There is no command /{word}.{hint}")
    rest = rest.strip()
    return Typed(command, command.split(rest), rest)


def help_for(name: str = "") -> tuple[tuple[str, str], ...]:
    """Return how a command, or every command, is used and what it does."""
    name = name.lstrip("/").lower()
    command = COMMANDS.get(ALIASES.get(name, name))
    if name and command is None:
        return ((f"There is no command /{name}. /help lists the commands.", ""),)
    found = _TABLE if command is None else (command,)
    rows = [(known.usage, known.help) for known in found]
    if command is None:
        rows.append(("//", "Send a message that begins with /."))
    return tuple(rows)
