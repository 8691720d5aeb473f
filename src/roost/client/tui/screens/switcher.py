"""Going to a conversation by a few letters of its name."""

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from roost.client.model import Model
from roost.client.tui.palette import Palette
from roost.client.tui.rooms_pane import badge_of, conversation_name
from roost.client.tui.screens.dialog import Dialog

SHOWN_MAX = 30
OPEN, JOIN, TALK = "open ", "join ", "talk "


class SwitcherScreen(Dialog[str]):
    """Answers "open KEY", "join ROOM" or "talk NICK"."""

    title_text = "Go to"

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__()
        self._model = model
        self._palette = palette

    def contents(self) -> ComposeResult:
        """Show what is typed, and what it may mean."""
        yield Input(placeholder="A few letters of a room or a person")
        yield OptionList()

    def on_mount(self) -> None:
        """Begin with typing."""
        self.query_one(Input).focus()
        self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find as one types."""
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to what is marked."""
        event.stop()
        chosen = self.query_one(OptionList).highlighted_option
        if chosen is not None:
            self.dismiss(chosen.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to what was clicked."""
        event.stop()
        self.dismiss(event.option.id)

    def on_key(self, event: events.Key) -> None:
        """Move in the list while one types."""
        moves = {"down": "cursor_down", "up": "cursor_up"}
        moves |= {"ctrl+n": "cursor_down", "ctrl+p": "cursor_up"}
        if event.key in moves and self.query_one(Input).has_focus:
            event.stop()
            event.prevent_default()
            getattr(self.query_one(OptionList), f"action_{moves[event.key]}")()

    def _show(self) -> None:
        words = self.query_one(Input).value.strip().lower()
        options = [Option(line, id=name) for name, line in self._found(words)[:SHOWN_MAX]]
        options_list = self.query_one(OptionList)
        options_list.clear_options()
        options_list.add_options(options)
        if options:
            options_list.highlighted = 0

    def _found(self, words: str) -> list[tuple[str, Text]]:
        model, palette = self._model, self._palette
        ranked: list[tuple[tuple[int, int, int], str, Text]] = []
        for place, key in enumerate(model.order):
            conversation = model.conversations[key]
            name = conversation_name(model, conversation)
            rank = match_rank(words, name.lower())
            if rank is None or key == model.active:
                continue
            line = Text(name, palette.text + Style(bold=bool(conversation.unread)))
            badge = badge_of(conversation)
            if badge:
                style = palette.accent if conversation.highlights else palette.muted
                line.append(f"  {badge} new", style)
            urgency = 0 if conversation.highlights else 1 if conversation.unread else 2
            ranked.append(((rank, urgency, place), OPEN + key, line))
        ranked.sort(key=lambda found: found[0])
        found = [(name, line) for _, name, line in ranked]
        return found + self._others(words) if words else found

    def _others(self, words: str) -> list[tuple[str, Text]]:
        model, palette = self._model, self._palette
        found: list[tuple[str, Text]] = []
        for room in model.listing.rooms:
            if match_rank(words, room.name.lower()) is not None and len(found) < 8:
                if room.name.lower() in model.conversations:
                    continue
                line = Text.assemble((room.name, palette.primary), ("  join", palette.muted))
                found.append((JOIN + room.name, line))
        people = [
            person
            for person in model.people.values()
            if not person.is_me
            and person.is_online
            and person.folded not in model.conversations
            and words in person.folded
        ]
        people.sort(key=lambda person: (not person.folded.startswith(words), person.folded))
        for person in people[:12]:
            line = Text.assemble(
                (person.nick, palette.name(person.folded)), ("  talk privately", palette.muted)
            )
            found.append((TALK + person.nick, line))
        return found


def match_rank(words: str, name: str) -> int | None:
    """Say how well a name fits: 0 begins so, 1 has it, 2 has its letters in order, None not."""
    bare = name.lstrip("#&@")
    if name.startswith(words) or bare.startswith(words):
        return 0
    if words in name:
        return 1
    letters = iter(name)
    return 2 if all(letter in letters for letter in words) else None
