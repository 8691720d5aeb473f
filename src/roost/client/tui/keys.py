"""Which key does what: the interface binds them here, and the help shows them from here."""

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """A key, or several that do the same."""

    keys: str
    """As Textual names them; empty for what is only shown."""
    action: str
    shown: str
    """As people read it."""
    meaning: str


class Group(NamedTuple):
    """Keys that belong together."""

    title: str
    keys: tuple[Key, ...]


GROUPS = (
    Group(
        "Everywhere",
        (
            Key("f1", "keys", "F1 or ?", "these keys"),
            Key("ctrl+k", "switcher", "Ctrl+K", "go to a room or a person"),
            Key("ctrl+o", "rooms", "Ctrl+O", "find or make a room"),
            Key("alt+down,ctrl+n", "next(1)", "Alt+Down, Ctrl+N", "next conversation"),
            Key("alt+up,ctrl+p", "next(-1)", "Alt+Up, Ctrl+P", "previous conversation"),
            Key("alt+a", "unread", "Alt+A", "next conversation with something new"),
            Key("", "", "Alt+1 to Alt+9", "that conversation of the list"),
            Key("f2", "fold('rooms')", "F2", "rooms, shown or folded away"),
            Key("f3", "fold('people')", "F3", "people, shown or folded away"),
            Key("f4", "theme", "F4", "light or dark"),
            Key("f5", "settings", "F5", "settings"),
            Key("ctrl+t", "reconnect", "Ctrl+T", "reconnect at once"),
            Key("ctrl+q", "app.quit", "Ctrl+Q", "leave Roost"),
        ),
    ),
    Group(
        "Reading",
        (
            Key("", "", "PageUp, PageDown", "scroll; older messages load by themselves"),
            Key("", "", "Ctrl+Home, Ctrl+End", "the first loaded, the latest message"),
            Key("ctrl+f", "find", "Ctrl+F", "search in what is loaded"),
            Key("ctrl+g", "date", "Ctrl+G", "go to a date"),
            Key("ctrl+up", "choose_message", "Ctrl+Up", "choose a message, then Enter for more"),
            Key("", "", "R  E  C  O", "on a chosen message: reply, react, copy, open its link"),
            Key("", "", "Mouse", "drag copies; right click on a message or a name for more"),
        ),
    ),
    Group(
        "Writing",
        (
            Key("", "", "Enter", "send"),
            Key("", "", "Alt+Enter, Ctrl+J", "a new line"),
            Key("", "", "Tab", "complete a name, a room or a command"),
            Key("", "", "Up, Down", "what you wrote before"),
            Key("ctrl+r", "retry", "Ctrl+R", "send again what failed"),
            Key("", "", "Escape", "close what is open; stop replying"),
        ),
    ),
)

BINDINGS = [
    Binding(key.keys, key.action, key.meaning, show=False, priority=True)
    for group in GROUPS
    for key in group.keys
    if key.keys
] + [
    Binding(f"alt+{number}", f"number({number})", "That conversation", show=False, priority=True)
    for number in range(1, 10)
]
