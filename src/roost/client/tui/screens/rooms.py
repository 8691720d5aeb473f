"""The dialog that lists the server's rooms, to join one or to create another."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widgets import Input

from roost.client.model import ListedRoom, ListingState, Model
from roost.client.tui.palette import Palette
from roost.client.tui.screens.picker import Choice, Picker
from roost.client.tui.wrapping import truncate, width_of

SHOWN_MAX = 300
"""More are found by typing a part of their name or topic."""
NO_ROOM = "There is no such room. Room names have no spaces and no commas."
_SIZE_WIDTH = 7
_JOIN = ("/join", "/j")


class RoomPicker(Picker[str]):
    """Results in the name of the room to join or create."""

    def __init__(self, model: Model, palette: Palette, words: str = "") -> None:
        """`words` are in the field to begin with, where asterisks are not needed."""
        super().__init__("Rooms", placeholder="Type to find a room, or the name of a new one")
        self._model = model
        self._palette = palette
        self._revision = -1
        self._words = words.replace("*", "")

    def on_mount(self) -> None:
        self.query_one(Input).value = self._words
        self.set_interval(0.1, self._follow)

    def on_resize(self) -> None:
        """Cut the topics to the new width."""
        self.show_choices()

    def _follow(self) -> None:
        if self._model.listing.revision != self._revision:
            self._revision = self._model.listing.revision
            self.show_choices()

    def find(self, typed: str) -> tuple[Sequence[Choice[str]], str]:
        words = looked_for(typed)
        rooms = self._model.listing.rooms
        found = [room for room in rooms if _has(room, words.lower())]
        choices = [Choice(room.name, self._line(room)) for room in found[:SHOWN_MAX]]
        new = new_room_name(words, {room.name.lower() for room in rooms})
        if new:
            style = self._palette.primary + Style(bold=True)
            line = Text.assemble(("Create ", self._palette.muted), (new, style))
            choices.append(Choice(new, line))
        if new and not found:
            return choices, f"Enter creates {new}, Escape closes."
        return choices, NO_ROOM if words and not choices else self._hint_about(len(found))

    def _line(self, room: ListedRoom) -> Text:
        palette = self._palette
        width = max(self.options.scrollable_content_region.width - 2, 20)
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

    def _hint_about(self, found: int) -> str:
        listing = self._model.listing
        if listing.state is ListingState.FAILED:
            return f"The rooms cannot be listed: {listing.problem}. You can still type a name."
        if listing.state is not ListingState.COMPLETE and not listing.rooms:
            return "Loading the list of rooms \u2026"
        if not listing.rooms:
            return "There are no rooms yet. Type a name to create the first one."
        more = f", {SHOWN_MAX} shown" if found > SHOWN_MAX else ""
        return f"{found:,} of {len(listing.rooms):,} rooms{more}. Enter joins, Escape closes."


def looked_for(typed: str) -> str:
    """Return the words to look for: "/join #tea" means "#tea"."""
    words = typed.strip()
    command, _, rest = words.partition(" ")
    return rest.strip() if command.lower() in _JOIN else words


def new_room_name(words: str, existing: set[str]) -> str:
    """Return the room that typing `words` would create, or "" if it exists or is not possible."""
    if not words or any(character.isspace() or character in ",\x07" for character in words):
        return ""
    name = words if words[0] in "#&" else f"#{words}"
    return "" if name.lower() in existing or len(name) < 2 else name


def _has(room: ListedRoom, words: str) -> bool:
    return not words or words in room.name.lower() or words in room.topic.lower()
