"""The list of conversations, with what is unread in them."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style

from roost.client.model import Conversation, ConversationKind, Model
from roost.client.model.rules import Level
from roost.client.tui.elsewhere import Elsewhere
from roost.client.tui.list_pane import ListPane
from roost.client.tui.marks import AWAY, GONE, HERE
from roost.client.tui.palette import Palette
from roost.client.tui.wrapping import truncate, width_of

_HEADINGS = {
    ConversationKind.ROOM: "Rooms",
    ConversationKind.PRIVATE: "People",
    ConversationKind.SERVER: "Servers",
}
NEW = "+ More rooms"
DRAFT = "\u270e"
"""Marks a conversation in which something is typed but not sent."""


_Row = str | ConversationKind | Elsewhere | None
"""A conversation's key, a heading, another server, or what leads to more rooms."""


class RoomsPane(ListPane):
    """The conversations in order, rooms and people under their headings."""

    def __init__(
        self, model: Model, palette: Palette, elsewhere: Callable[[], list[Elsewhere]]
    ) -> None:
        """`elsewhere` returns the other servers of the window, which come last."""
        super().__init__(palette, id="rooms")
        self._model = model
        self._elsewhere = elsewhere
        self._rows: list[_Row] = []
        self._state: tuple[int, str, str, list[Elsewhere]] = (-1, "", "", [])

    def follow(self) -> None:
        """Draw again if the model has changed it."""
        model = self._model
        elsewhere = self._elsewhere()
        state = (model.order_revision, model.active, model.connection.network, elsewhere)
        if state == self._state:
            return
        is_moved = state[1] != self._state[1]
        self._state = state
        self._rows = self._arrange()
        if elsewhere:
            self._rows += [ConversationKind.SERVER, *elsewhere]
        if is_moved and model.active in self._rows:
            self.reveal(self._rows.index(model.active))
        self.refresh()

    def key_at(self, row: int) -> str | None:
        """Return a conversation's key; None for the row that leads to more rooms."""
        found = self._rows[row] if row < len(self._rows) else None
        return found if isinstance(found, str) else None

    def server_at(self, row: int) -> str | None:
        """Return the name of the server on a row; None if there is none."""
        found = self._rows[row] if row < len(self._rows) else None
        return found.name if isinstance(found, Elsewhere) else None

    def count(self) -> int:
        return len(self._rows)

    def is_clickable(self, index: int) -> bool:
        """Return False for headings."""
        return not isinstance(self._rows[index], ConversationKind)

    def row_background(self, index: int) -> Style | None:
        """Highlight the conversation in view."""
        return self.palette.cursor if self._rows[index] == self._model.active else None

    def row(self, index: int, width: int) -> list[Segment]:
        palette = self.palette
        found = self._rows[index]
        if found is None:
            return [Segment(f" {truncate(NEW, width - 1)}", palette.primary)]
        if isinstance(found, ConversationKind):
            return [Segment(f" {_HEADINGS[found]}", palette.muted)]
        if isinstance(found, Elsewhere):
            return self._server_row(found, width)
        conversation = self._model.conversations[found]
        # The conversation in view is being read; its own view says what is below.
        badge = "" if found == self._model.active else badge_of(conversation)
        badge_style = palette.alert if conversation.highlights else palette.badge
        if not badge and conversation.draft.strip() and found != self._model.active:
            badge, badge_style = DRAFT, palette.muted
        left = width - 3 - (width_of(badge) + 3 if badge else 0)
        name = truncate(conversation_name(self._model, conversation), max(left, 1))
        segments = [*self._sign(conversation), Segment(name, self._name_style(conversation))]
        if badge:
            used = sum(width_of(segment.text) for segment in segments)
            gap = max(width - used - width_of(badge) - 3, 0)
            segments += [Segment(" " * gap, palette.text), Segment(f" {badge} ", badge_style)]
        return segments

    def _server_row(self, server: Elsewhere, width: int) -> list[Segment]:
        palette = self.palette
        badge = f" {server.highlights or server.unread} " if server.unread else ""
        badge_style = palette.alert if server.highlights else palette.badge
        name = truncate(server.label, max(width - 4 - len(badge), 1))
        style = palette.text + Style(bold=bool(server.unread))
        gap = max(width - 3 - width_of(name) - len(badge) - 1, 0)
        return [
            Segment("   ", palette.text),
            Segment(name, style),
            Segment(" " * gap, palette.text),
            Segment(badge, badge_style),
        ]

    def _arrange(self) -> "list[_Row]":
        rows: list[_Row] = []
        kind = ConversationKind.SERVER
        for key in self._model.order:
            conversation = self._model.conversations.get(key)
            if conversation is None:
                continue
            if conversation.kind is not kind:
                kind = conversation.kind
                if kind is ConversationKind.PRIVATE and None not in rows:
                    rows.append(None)
                if kind in _HEADINGS:
                    rows.append(kind)
            rows.append(key)
        if None not in rows:
            rows.append(None)
        return rows

    def _sign(self, conversation: Conversation) -> list[Segment]:
        palette = self.palette
        bar = "\u258e" if conversation.key == self._model.active else " "
        sign, colour = " ", "text"
        if conversation.kind is ConversationKind.PRIVATE:
            sign, colour = presence_of(conversation)
        return [Segment(bar, palette.primary), Segment(sign + " ", getattr(palette, colour))]

    def _name_style(self, conversation: Conversation) -> Style:
        palette = self.palette
        bold = Style(bold=True)
        if conversation.highlights:
            return palette.accent + bold
        if self._model.rules.level(conversation) is Level.MUTE:
            return palette.faint
        if conversation.unread or conversation.key == self._model.active:
            return palette.text + bold
        return palette.text if conversation.is_joined else palette.muted + Style(italic=True)


def conversation_name(model: Model, conversation: Conversation) -> str:
    """Return the name under which a conversation is shown."""
    if conversation.kind is ConversationKind.SERVER:
        return model.connection.network or "Server"
    return conversation.name


def presence_of(conversation: Conversation) -> tuple[str, str]:
    """Return the symbol of the other person's presence, and its style."""
    peer = conversation.peer
    if peer is None or not peer.is_online:
        return GONE
    return HERE if peer.away is None else AWAY


def badge_of(conversation: Conversation) -> str:
    """Return the number of unread messages, or of those that mention the user if there are any."""
    number = conversation.highlights or conversation.unread
    return "" if not number else "999+" if number > 999 else str(number)
