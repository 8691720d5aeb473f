"""The slash commands: their names, what they take, and their help.

What follows the command is cut by its `parameters`: each is a word, the last takes the rest.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """One slash command."""

    name: str
    parameters: str
    """As help shows them: NAME is needed, [NAME] is not."""
    help: str
    is_interface: bool = False
    """The interface obeys it, not the model."""
    words: int = 1
    """Into how many pieces what follows is cut at most."""


class Typed(NamedTuple):
    """A slash command as it was typed."""

    command: Command
    arguments: tuple[str, ...]


_TABLE = (
    Command("away", "[MESSAGE]", "Say that you are away; /back ends it."),
    Command("back", "", "Say that you are here again."),
    Command("ban", "NAME", "Ban somebody (or a mask) from this room."),
    Command("clear", "", "Empty the screen; nothing is lost.", is_interface=True),
    Command("close", "", "Close this conversation; leaves the room."),
    Command("connect", "ADDRESS", "Connect to another server."),
    Command("date", "YYYY-MM-DD", "Go to what was said on a day.", is_interface=True),
    Command("deop", "NAME", "Take operator status from somebody."),
    Command("devoice", "NAME", "Take voice from somebody."),
    Command("disconnect", "", "Close the connection and stay offline."),
    Command("help", "[COMMAND]", "Show the commands, or one of them."),
    Command("ignore", "[NAME]", "Show nothing more of somebody, or list whom you ignore."),
    Command("invite", "NAME [ROOM]", "Invite somebody into a room.", words=2),
    Command("join", "ROOM [PASSWORD]", "Join a room; if there is none, make it.", words=2),
    Command("keys", "", "Show the keys.", is_interface=True),
    Command("kick", "NAME [REASON]", "Remove somebody from this room.", words=2),
    Command("list", "", "Show the rooms that exist.", is_interface=True),
    Command("me", "TEXT", "Say what you do: /me waves."),
    Command("mode", "[MODES]", "Show or change the room's modes."),
    Command("msg", "NAME TEXT", "Say something to somebody privately.", words=2),
    Command("nick", "NAME", "Change your name."),
    Command("notice", "NAME TEXT", "Send a notice.", words=2),
    Command("op", "NAME", "Make somebody an operator of this room."),
    Command("part", "[REASON]", "Leave this room."),
    Command("query", "NAME", "Talk to somebody privately."),
    Command("quit", "[REASON]", "Leave and end the program."),
    Command("quote", "LINE", "Send a line to the server as it is."),
    Command("react", "REACTION", "React to the selected or last message.", is_interface=True),
    Command("reconnect", "", "Try to connect now."),
    Command("rooms", "", "Show the rooms that exist.", is_interface=True),
    Command("search", "TEXT", "Find a text in this conversation.", is_interface=True),
    Command("set", "[NAME VALUE]", "Show or change a setting.", is_interface=True),
    Command("slap", "NAME", "An old custom, with a trout."),
    Command("theme", "[NAME]", "Choose how it looks.", is_interface=True),
    Command("topic", "[TEXT]", "Show or change the room's topic."),
    Command("unban", "NAME", "Lift a ban."),
    Command("unignore", "NAME", "Show what somebody says again."),
    Command("voice", "NAME", "Let somebody speak in a moderated room."),
    Command("whois", "NAME", "Ask who somebody is."),
)
COMMANDS: dict[str, Command] = {command.name: command for command in _TABLE}
"""By name."""
ALIASES = {
    "exit": "quit",
    "h": "help",
    "j": "join",
    "leave": "part",
    "m": "msg",
    "q": "query",
    "raw": "quote",
    "w": "whois",
}


class UnknownCommandError(Exception):
    """There is no such command; the text is for people."""


def parse(text: str) -> Typed | None:
    """Read what was typed; None when it is no command but a text.

    "//" at the beginning is how a text begins with "/".

    Raises:
        UnknownCommandError: it looks like a command, and there is none of that name.
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
    arguments = tuple(rest.strip().split(None, command.words - 1)) if rest.strip() else ()
    needed = len(command.parameters.partition("[")[0].split())
    if len(arguments) < min(needed, command.words):
        raise UnknownCommandError(f"Write /{command.name} {command.parameters}")
    return Typed(command, arguments)


def help_lines(name: str = "") -> tuple[str, ...]:
    """Give the help for a command, or for all."""
    name = name.lstrip("/").lower()
    command = COMMANDS.get(ALIASES.get(name, name))
    if command is not None:
        return (f"/{command.name} {command.parameters}".rstrip(), f"  {command.help}")
    if name:
        return (f"There is no command /{name}; /help lists them.",)
    width = max(len(f"{command.name} {command.parameters}") for command in _TABLE)
    lines = [f"/{f'{c.name} {c.parameters}':<{width}}  {c.help}" for c in _TABLE]
    return (*lines, "Text that begins with // is sent with one /.")
