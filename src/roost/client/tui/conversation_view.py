"""The messages of the conversation in view: scrolling, searching, selecting, clicking."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from roost.client.model import Conversation, Entry, EntryKind
from roost.client.tui.calendar import now_ms
from roost.client.tui.keys import MESSAGE_BINDINGS, MESSAGE_LETTERS
from roost.client.tui.layout import MESSAGE, SPOILER, THREAD, Look
from roost.client.tui.overlays import (
    background_of,
    new_below_strip,
    restyle,
    scroll_bar_segment,
)
from roost.client.tui.palette import Palette
from roost.client.tui.search import Search
from roost.client.tui.selection import Selection, Spot
from roost.client.tui.transcript import Transcript
from roost.client.tui.viewport import Place, Viewport

WHEEL_ROWS = 3
LOAD_WITHIN = 40
"""When the first item is this close to the screen, older messages are requested."""


class _Target(NamedTuple):
    """What the pointer is on."""

    item: int
    row: int
    column: int


class ConversationView(Widget):
    """Shows a conversation; the cost does not depend on the number of entries."""

    can_focus = True
    FOCUS_ON_CLICK = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*MESSAGE_BINDINGS]

    class LoadWanted(Message):
        """The first loaded message is nearly in view."""

    @dataclass
    class MenuWanted(Message):
        """The menu of a message is wanted."""

        entry: Entry

    @dataclass
    class ActionWanted(Message):
        """An action is wanted: "reply", "react", "copy", ...; see `MessageActions.run`."""

        entry: Entry
        name: str

    @dataclass
    class MessageClicked(Message):
        """A message that is answered was clicked."""

        msgid: str

    @dataclass
    class LinkClicked(Message):
        """A link was clicked."""

        url: str

    @dataclass
    class GapClicked(Message):
        """The messages missing at a gap are wanted."""

        entry: Entry

    @dataclass
    class Copied(Message):
        """A text was selected."""

        text: str

    class Left(Message):
        """The user wants to write again."""

    def __init__(self, conversation: Conversation, look: Look) -> None:
        super().__init__(id="conversation")
        self._transcript = Transcript(conversation, look, now_ms)
        self._viewport = Viewport(lambda item: self._transcript.height(item))
        self._anchor_entry: Entry | None = None
        self._cursor: Entry | None = None
        self._places: list[Place | None] | None = None
        self._places_revision = -1
        """Of the conversation, for which the rows on the screen were found."""
        self._revision = -1
        self._seen_entry: Entry | None = None
        """The last entry when the end was last in view."""
        self.search = Search()
        self._selection = Selection()
        self._is_dragging_bar = False
        self.may_act: Callable[[], bool] = lambda: True
        """Whether letters may act on the chosen message, instead of being typed."""

    @property
    def conversation(self) -> Conversation:
        """The conversation in view."""
        return self._transcript.conversation

    @property
    def is_at_end(self) -> bool:
        """Whether the latest message is in view, and new ones will be."""
        return self._viewport.is_pinned

    @property
    def cursor(self) -> Entry | None:
        """The message chosen with the keyboard."""
        return self._cursor

    @property
    def is_cursor_visible(self) -> bool:
        """Whether a message is chosen, and in view."""
        if self._cursor is None:
            return False
        items = {place.item for place in self._rows() if place is not None}
        return any(self._transcript.entry(item) is self._cursor for item in items)

    def takes(self, character: str) -> bool:
        """Return whether a key acts on the chosen message, which the user sees; else it is typed.

        A key is offered to the screen before it does what it is bound to.
        """
        may_act = character in MESSAGE_LETTERS and self.is_cursor_visible and self.may_act()
        return may_act and self.applies(character)

    def applies(self, letter: str) -> bool:
        """Return whether a key can do something with the chosen message."""
        return self._cursor is not None and self._transcript.applies(letter, self._cursor)

    # Called by the pane.

    def show(self, conversation: Conversation, unread_after_ms: int) -> None:
        """Turn to a conversation; entries after `unread_after_ms` are below the unread line."""
        look = self._transcript.look
        hides = self._transcript.hides_coming_and_going
        self._transcript = Transcript(conversation, look, now_ms)
        self._transcript.unread_after_ms = unread_after_ms
        self._transcript.hides_coming_and_going = hides
        self._cursor = self._anchor_entry = None
        self._selection.clear()
        self.search.clear()
        self._viewport.to_end()
        self._moved()

    def set_look(self, look: Look, *, hides_coming_and_going: bool) -> None:
        """Change the colours or the nickname; the width stays that of the view."""
        self._transcript.hides_coming_and_going = hides_coming_and_going
        self._transcript.look = self._sized(look)
        self._transcript.forget()
        self._changed()

    def follow(self) -> bool:
        """Draw what changed in the model; return False if nothing did."""
        if self.conversation.revision == self._revision:
            return False
        self._changed()
        return True

    def mark_read_line(self, unread_after_ms: int) -> None:
        """Move the unread line; 0 removes it."""
        if unread_after_ms != self._transcript.unread_after_ms:
            self._transcript.unread_after_ms = unread_after_ms
            self._changed()

    def scroll_rows(self, rows: int) -> None:
        """Scroll down, or up by a negative number."""
        self._keep_anchor()
        self._viewport.scroll(rows)
        self._moved()

    def scroll_pages(self, pages: int) -> None:
        """Scroll by whole screens, keeping two lines of the old one."""
        self.scroll_rows(pages * max(self.size.height - 2, 1))

    def action_to_end(self) -> None:
        self._cursor = None
        self._viewport.to_end()
        self._moved()

    def action_to_start(self) -> None:
        self._viewport.to_start()
        self._moved()

    def reveal(self, entry: Entry, *, is_chosen: bool = True) -> bool:
        """Bring an entry into view; return False if it is not loaded."""
        item = self._transcript.item(entry, 0)
        if item is None:
            return False
        self._keep_anchor()
        if is_chosen:
            self._cursor = entry
        if not self._viewport.is_visible(item):
            self._viewport.to_item(item)
        self._moved()
        return True

    def set_query(self, query: str) -> None:
        """Search in what is loaded, and go to the last match."""
        look = self._transcript.look
        self._transcript.look = Look(
            look.width, look.palette, look.calendar, query.lower(), look.nick
        )
        found = self.search.start(query, self.conversation, self._transcript.is_hidden)
        if found is not None:
            self.reveal(found)
        if not query:
            self._cursor = None
        self._changed()

    def step_search(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match."""
        found = self.search.step(step)
        if found is not None:
            self.reveal(found)

    def enter_cursor(self) -> None:
        """Choose the last message in view, and take the keyboard focus."""
        self.focus()
        if self._cursor is None:
            self.action_cursor(-1)

    def clear_cursor(self) -> None:
        if self._cursor is not None or self._selection.is_something:
            self._cursor = None
            self._selection.clear()
            self._changed()

    # Keys.

    def action_cursor(self, step: int) -> None:
        """Choose the next message in a direction."""
        self._keep_anchor()
        transcript = self._transcript
        start = transcript.item(self._cursor, 0) if self._cursor is not None else None
        if start is None:
            last = [place.item for place in self._rows() if place is not None]
            start = (last[-1] if last else transcript.count - 1) + 1
        item = start + step
        while 0 < item < transcript.count:
            entry = transcript.entry(item)
            if entry is not None and not transcript.is_hidden(entry):
                break
            item += step
        entry = transcript.entry(item)
        if entry is None:
            if step > 0:
                self._cursor = None
                self._viewport.to_end()
                self.post_message(self.Left())
            else:
                self._viewport.to_start()
            self._moved()
            return
        self._cursor = entry
        if not self._viewport.is_visible(item):
            height = self._transcript.height(item)
            self._viewport.to_item(item, height if step < 0 else self.size.height - 1)
        self._moved()

    def action_menu(self) -> None:
        """Show the menu of the chosen message, or load the gap."""
        if self._cursor is None:
            return
        if self._cursor.kind is EntryKind.GAP:
            self.post_message(self.GapClicked(self._cursor))
        else:
            self.post_message(self.MenuWanted(self._cursor))

    def action_choose(self, name: str) -> None:
        if self._cursor is not None:
            self.post_message(self.ActionWanted(self._cursor, name))

    def action_spoilers(self) -> None:
        if self._cursor is not None:
            self._transcript.toggle_spoilers(self._cursor)
            self._changed()

    def on_key(self, event: events.Key) -> None:
        """Leave with Escape."""
        if event.key == "escape":
            event.stop()
            self.post_message(self.Left())

    # The mouse.

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start to select, or to drag the scroll bar."""
        if event.button != 1:
            return
        self.capture_mouse()
        if event.x >= self.size.width - 1:
            self._is_dragging_bar = True
            self._drag_bar(event.y)
            return
        self._selection.begin(self._spot(event.x, event.y))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Continue to select or drag; beyond the edges the view scrolls."""
        if self._is_dragging_bar:
            self._drag_bar(event.y)
        elif self._selection.is_begun and event.button:
            if event.y < 0:
                self.scroll_rows(-1)
            elif event.y >= self.size.height:
                self.scroll_rows(1)
            y = min(max(event.y, 0), self.size.height - 1)
            self._selection.extend(self._spot(event.x, y))
            self._changed()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Copy the selection, or handle the click."""
        self.release_mouse()
        if self._is_dragging_bar:
            self._is_dragging_bar = False
            return
        if self._selection.is_something:
            copied = self._selection.text(self._transcript)
            if copied.strip():
                self.post_message(self.Copied(copied))
            self._selection.end()
        else:
            self._selection.clear()
            self._click(event)
        self._changed()

    def _click(self, event: events.MouseUp) -> None:
        if self._new_below() and event.y == self.size.height - 1:
            self.action_to_end()
            return
        target = self._target(event.x, event.y)
        entry = self._transcript.entry(target.item) if target else None
        if entry is None or target is None:
            return
        if event.button == 3:
            self._cursor = entry
            self.post_message(self.MenuWanted(entry))
            return
        style = self._style(target)
        if style.link:
            self.post_message(self.LinkClicked(style.link))
        elif MESSAGE in style.meta:
            self.post_message(self.MessageClicked(style.meta[MESSAGE]))
        elif SPOILER in style.meta:
            self._transcript.toggle_spoilers(entry)
            self._changed()
        elif THREAD in style.meta:
            self.post_message(self.ActionWanted(entry, "thread"))
        elif entry.kind is EntryKind.GAP:
            self.post_message(self.GapClicked(entry))
        elif entry.failure and not entry.is_redacted:
            self.post_message(self.MenuWanted(entry))

    def _style(self, target: _Target) -> Style:
        column = 0
        for segment in self._transcript.rows(target.item)[target.row].strip:
            column += segment.cell_length
            if column > target.column and segment.style is not None:
                return segment.style
        return Style.null()

    def _drag_bar(self, y: int) -> None:
        share = min(max(y / max(self.size.height - 1, 1), 0.0), 1.0)
        if share >= 1.0:
            self._viewport.to_end()
        else:
            self._viewport.to_item(int(share * (self._transcript.count - 1)), 0)
        self._moved()

    def _target(self, x: int, y: int) -> _Target | None:
        places = self._rows()
        place = places[y] if 0 <= y < len(places) else None
        return None if place is None else _Target(place.item, place.row, x)

    def _spot(self, x: int, y: int) -> Spot | None:
        target = self._target(x, y)
        entry = self._transcript.entry(target.item) if target else None
        if target is None or entry is None:
            return None
        return Spot(entry, target.item, target.row, target.column)

    # Drawing.

    def render_line(self, y: int) -> Strip:
        palette = self._palette
        width = self.size.width
        places = self._rows()
        base = Style(bgcolor=palette.cursor.bgcolor)
        place = places[y] if y < len(places) else None
        background = background_of(palette)
        below = self._new_below() if y == self.size.height - 1 else 0
        if below:
            strip = new_below_strip(below, width - 1, palette)
        elif place is None:
            strip = Strip.blank(width - 1, background)
        else:
            entry = self._transcript.entry(place.item)
            strip = self._transcript.rows(place.item)[place.row].strip
            marked = self._selection.columns(place.item, place.row, width - 1)
            if marked is not None:
                strip = restyle(strip, marked, palette.selection)
            is_chosen = entry is not None and entry is self._cursor
            strip = strip.apply_style(base if is_chosen else background)
        bar = scroll_bar_segment(y, self.size.height, self._viewport.share(), palette)
        return Strip([*strip, bar], width)

    @property
    def _palette(self) -> Palette:
        return self._transcript.look.palette

    def on_resize(self) -> None:
        self._transcript.look = self._sized(self._transcript.look)
        self._changed()

    def _sized(self, look: Look) -> Look:
        width = max(self.size.width - 1, 8)
        return Look(width, look.palette, look.calendar, look.query, look.nick)

    def _keep_anchor(self) -> None:
        """Find the anchor's entry again after entries were added or removed above it."""
        viewport, transcript = self._viewport, self._transcript
        viewport.count = transcript.count
        viewport.height = self.size.height
        if viewport.is_pinned or self._anchor_entry is None:
            return
        item = transcript.item(self._anchor_entry, viewport.anchor)
        if item is not None:
            viewport.moved(item)

    def _moved(self) -> None:
        """Draw again after scrolling, and choose a new anchor."""
        viewport = self._viewport
        pinned = viewport.is_pinned
        self._anchor_entry = None if pinned else self._transcript.entry(viewport.anchor)
        self._changed()

    def _changed(self) -> None:
        self._places = None
        self._revision = self.conversation.revision
        self.refresh()
        self._ask_for_past()

    def _rows(self) -> list[Place | None]:
        if self._places is None or self._places_revision != self.conversation.revision:
            self._places_revision = self.conversation.revision
            self._keep_anchor()
            self._selection.follow(self._transcript)
            self._places = self._viewport.rows()
            viewport = self._viewport
            self._anchor_entry = self._transcript.entry(viewport.anchor)
            if viewport.is_pinned:
                self._anchor_entry = None
                entries = self.conversation.entries
                self._seen_entry = entries[-1] if entries else None
        return self._places

    def _ask_for_past(self) -> None:
        history = self.conversation.history
        if not history.is_offered or not history.is_more_above or history.is_loading:
            return
        top = next((place for place in self._rows() if place is not None), None)
        if top is not None and top.item <= LOAD_WITHIN and not history.problem:
            self.post_message(self.LoadWanted())

    def _new_below(self) -> int:
        """Count the messages since the user scrolled up; 0 at the end, -1 for none."""
        if self._viewport.is_pinned:
            return 0
        entries = self.conversation.entries
        if self._seen_entry is None or not entries or entries[-1] is self._seen_entry:
            return -1
        for back in range(1, min(len(entries), 1000) + 1):
            if entries[-back] is self._seen_entry:
                return back - 1
        return 1000
