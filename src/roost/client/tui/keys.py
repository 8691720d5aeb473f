"""The keys and what they do; the interface binds them, and the help lists them, from here."""

import re
from collections.abc import Mapping
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

    @property
    def name(self) -> str:
        """What it is called in the settings; empty if it cannot be changed."""
        return _NAMES.get(self.action, self.action) if self.keys else ""


class Group(NamedTuple):
    """Keys that belong together."""

    title: str
    keys: tuple[Key, ...]


_NAMES = {
    "keys": "help",
    "next(1)": "next",
    "next(-1)": "previous",
    "server(1)": "next_server",
    "fold('rooms')": "fold_rooms",
    "fold('people')": "fold_people",
    "choose_message": "choose",
    "app.quit": "quit",
}
"""The names in the settings of actions that have others."""

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
            Key("f7", "connection", "F7", "connection, name and server, account"),
            Key("f8", "server(1)", "F8", "next server"),
            Key("f9", "servers", "F9", "open another server, or close one"),
            Key("", "", "Ctrl+L", "draw the screen again"),
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
            Key("", "", "R  E  C  O", "reply, react, copy, open its link"),
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
    Binding(key.keys, key.action, key.meaning, show=False, priority=True, id=key.name)
    for group in GROUPS
    for key in group.keys
    if key.keys
] + [
    Binding(f"alt+{number}", f"number({number})", "That conversation", show=False, priority=True)
    for number in range(1, 10)
]

NAMES = tuple(key.name for group in GROUPS for key in group.keys if key.name)
_KEY = re.compile(
    r"(?:(?:ctrl|alt|shift)\+)+(?:[a-z0-9]|f\d{1,2}|\w{2,9})|f\d{1,2}"
    r"|(?:up|down|left|right|home|end|pageup|pagedown|insert|delete)"
)


def check(own: Mapping[str, str]) -> None:
    """Check the user's own keys.

    Raises:
        ValueError: a name or a key cannot be used; the text is for people.
    """
    taken = {"alt+1": "another conversation"}
    for group in GROUPS:
        for key in group.keys:
            words = own.get(key.name, key.keys) if key.name else ""
            for word in filter(None, words.replace(" ", "").lower().split(",")):
                if not _KEY.fullmatch(word):
                    raise ValueError(
                        f"keys.{key.name}: {word} is no key; write ctrl+x, alt+x, f7, or several "
                        "with commas"
                    )
                if word in taken:
                    raise ValueError(f"keys.{key.name}: {word} is already {taken[word]}")
                taken[word] = key.name
    unknown = [name for name in own if name not in NAMES]
    if unknown:
        raise ValueError(f"keys.{unknown[0]}: there are {', '.join(NAMES)}")


def keymap(own: Mapping[str, str]) -> dict[str, str]:
    """Return the user's own keys as Textual wants them."""
    return {name: keys.replace(" ", "").lower() for name, keys in own.items()}


def groups(own: Mapping[str, str]) -> tuple[Group, ...]:
    """Return all keys as they are with the user's own."""
    return tuple(
        Group(
            group.title,
            tuple(
                key._replace(shown=_shown(own[key.name])) if own.get(key.name) else key
                for key in group.keys
            ),
        )
        for group in GROUPS
    )


def _shown(keys: str) -> str:
    words = keys.replace(" ", "").split(",")
    return ", ".join("+".join(part.capitalize() for part in word.split("+")) for word in words)


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
