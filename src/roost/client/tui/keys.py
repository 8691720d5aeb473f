"""The keys and what they do; the interface binds them, and the help lists them, from here."""

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """A key, or several that do the same."""

    keys: str
    """As Textual names them; empty if another widget handles the key."""
    action: str
    shown: str
    """As people read them."""
    meaning: str


class Group(NamedTuple):
    """Keys that belong together."""

    title: str
    keys: tuple[Key, ...]


GROUPS = (
    Group(
        "Everywhere",
        (
            Key("f1", "keys", "F1 or ?", "this help"),
            Key("ctrl+k", "switcher", "Ctrl+K", "go to a room or a person, or do anything"),
            Key("ctrl+o", "rooms", "Ctrl+O", "find or create a room"),
            Key("alt+down,ctrl+n", "next(1)", "Alt+Down, Ctrl+N", "next conversation"),
            Key("alt+up,ctrl+p", "next(-1)", "Alt+Up, Ctrl+P", "previous conversation"),
            Key("alt+a", "unread", "Alt+A", "next unread conversation"),
            Key("", "", "Alt+1 to Alt+9", "go to that conversation in the list"),
            Key("f2", "fold('rooms')", "F2", "show or hide the rooms"),
            Key("f3", "fold('people')", "F3", "show or hide the people"),
            Key("f4", "theme", "F4", "switch between light and dark"),
            Key("f5", "settings", "F5", "settings"),
            Key("ctrl+t", "reconnect", "Ctrl+T", "reconnect now"),
            Key("ctrl+q", "app.quit", "Ctrl+Q", "quit Roost"),
        ),
    ),
    Group(
        "Reading",
        (
            Key("", "", "PageUp, PageDown", "scroll; older messages load automatically"),
            Key("", "", "Ctrl+Home, Ctrl+End", "first loaded or latest message"),
            Key("ctrl+f", "find", "Ctrl+F", "search what is loaded; again: everything"),
            Key("f6", "search", "F6", "search in everything that was said"),
            Key("ctrl+g", "date", "Ctrl+G", "go to a date"),
            Key("ctrl+up", "choose_message", "Ctrl+Up", "choose a message; Enter opens its menu"),
            Key("", "", "R  E  C  O", "reply to, react to, copy, open a chosen message"),
            Key("", "", "T  P  M  S", "thread, what it answers, modify, spoilers"),
            Key("", "", "Mouse", "drag to copy; right-click for a menu"),
        ),
    ),
    Group(
        "Writing",
        (
            Key("", "", "Enter", "send"),
            Key("", "", "Alt+Enter, Ctrl+J", "new line"),
            Key("", "", "Tab", "complete a name, a room, a command, :emoji"),
            Key("", "", "**b** *i* `c`", "bold, italics, code; also ||spoiler||, ```"),
            Key("", "", "Up, Down", "what you sent before"),
            Key("ctrl+r", "retry", "Ctrl+R", "send failed messages again"),
            Key("", "", "Escape", "close a dialog; cancel a reply"),
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

MESSAGE_BINDINGS = [
    Binding("up,k", "cursor(-1)", "One message up", show=False),
    Binding("down,j", "cursor(1)", "One message down", show=False),
    Binding("enter", "menu", "Message menu", show=False),
    Binding("r", "choose('reply')", "Reply", show=False),
    Binding("e,plus", "choose('react')", "React", show=False),
    Binding("c,y", "choose('copy')", "Copy", show=False),
    Binding("o", "choose('open')", "Open its link", show=False),
    Binding("t", "choose('thread')", "Show the thread", show=False),
    Binding("p", "choose('answered')", "What it answers", show=False),
    Binding("m", "choose('edit')", "Edit", show=False),
    Binding("s", "spoilers", "Show or hide its spoilers", show=False),
    Binding("delete", "choose('redact')", "Delete", show=False),
    Binding("home", "to_start", "To the first loaded message", show=False),
    Binding("end", "to_end", "To the latest message", show=False),
]
"""The keys that act on the chosen message."""
MESSAGE_LETTERS = frozenset(
    letter if len(letter) == 1 else "+"
    for binding in MESSAGE_BINDINGS
    for letter in binding.key.split(",")
    if len(letter) == 1 or letter == "plus"
)
