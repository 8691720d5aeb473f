"""The rooms that exist, to join one or to make another."""

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from roost.client.model import ListedRoom, ListingState, Model
from roost.client.tui.palette import Palette
from roost.client.tui.screens.dialog import Dialog
from roost.client.tui.wrapping import truncate, width_of

SHOWN_MAX = 300
"""More are found by typing a part of their name or topic."""
NO_ROOM = "There is no such room, and a room's name has no spaces and no commas."
_SIZE_WIDTH = 7
_JOIN = ("/join", "/j")


class RoomsScreen(Dialog[str]):
    """Answers the name of the room to join or make."""

    title_text = "Rooms"

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__()
        self._model = model
        self._palette = palette
        self._revision = -1

    def contents(self) -> ComposeResult:
        """Show what is typed, and what there is."""
        yield Input(placeholder="Type to find a room, or the name of a new one", id="filter")
        yield OptionList(id="list")
        yield Static(id="about", classes="hint")

    def on_mount(self) -> None:
        """Begin with typing, and look for what the server answers."""
        self.query_one(Input).focus()
        self._follow()
        self.set_interval(0.1, self._follow)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find as one types."""
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Join what is marked."""
        event.stop()
        chosen = self.query_one(OptionList).highlighted_option
        if chosen is not None:
            self.dismiss(chosen.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Join what was clicked."""
        event.stop()
        self.dismiss(event.option.id)

    def on_key(self, event: events.Key) -> None:
        """Move in the list while one types."""
        moves = {"down": "cursor_down", "up": "cursor_up"}
        moves |= {"pagedown": "page_down", "pageup": "page_up"}
        if event.key in moves and self.query_one(Input).has_focus:
            event.stop()
            event.prevent_default()
            getattr(self.query_one(OptionList), f"action_{moves[event.key]}")()

    def on_resize(self) -> None:
        """Fit the topics anew."""
        self._show()

    def _follow(self) -> None:
        if self._model.listing.revision != self._revision:
            self._revision = self._model.listing.revision
            self._show()

    def _show(self) -> None:
        words = looked_for(self.query_one(Input).value)
        listing = self._model.listing
        found = [room for room in listing.rooms if _has(room, words.lower())]
        options = [Option(self._line(room), id=room.name) for room in found[:SHOWN_MAX]]
        new = new_room_name(words, {room.name.lower() for room in listing.rooms})
        if new:
            line = Text.assemble(
                ("Make ", self._palette.muted), (new, self._palette.primary + Style(bold=True))
            )
            options.append(Option(line, id=new))
        options_list = self.query_one(OptionList)
        options_list.clear_options()
        options_list.add_options(options)
        if options:
            options_list.highlighted = 0
        about = NO_ROOM if words and not options else self._about(len(found))
        self.query_one("#about", Static).update(Text(about))

    def _line(self, room: ListedRoom) -> Text:
        palette = self._palette
        width = max(self.query_one(OptionList).scrollable_content_region.width - 2, 20)
        name_width = min(max(width // 3, 14), 28)
        name = truncate(room.name, name_width - 2)
        joined = room.name.lower() in self._model.conversations
        pad = " " * (name_width - width_of(name))
        style = palette.text if joined else palette.primary
        topic = truncate(" ".join(room.topic.split()), width - name_width - _SIZE_WIDTH)
        return Text.assemble(
            (name + pad, style + Style(bold=True)),
            (f"{room.members:,}".rjust(_SIZE_WIDTH - 2) + "  ", palette.muted),
            (topic, palette.text),
        )

    def _about(self, found: int) -> str:
        listing = self._model.listing
        if listing.state is ListingState.FAILED:
            return f"The rooms cannot be listed: {listing.problem}. You can still type a name."
        if listing.state is not ListingState.COMPLETE and not listing.rooms:
            return "Asking which rooms there are \u2026"
        if not listing.rooms:
            return "There is no room yet. Type a name to make the first one."
        more = f", {SHOWN_MAX} shown" if found > SHOWN_MAX else ""
        return f"{found:,} of {len(listing.rooms):,} rooms{more}. Enter joins, Escape goes back."


def looked_for(typed: str) -> str:
    """Give the words to look for; whoever types the command means the room behind it."""
    words = typed.strip()
    command, _, rest = words.partition(" ")
    return rest.strip() if command.lower() in _JOIN else words


def new_room_name(words: str, existing: set[str]) -> str:
    """Give the room that typing `words` would make; empty when it exists or cannot be."""
    if not words or any(character.isspace() or character in ",\x07" for character in words):
        return ""
    name = words if words[0] in "#&" else f"#{words}"
    return "" if name.lower() in existing or len(name) < 2 else name


def _has(room: ListedRoom, words: str) -> bool:
    return not words or words in room.name.lower() or words in room.topic.lower()
