"""The bars around the conversation: the topic above, the state of the connection below."""

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from roost.client.model import Conversation, ConversationKind, Model, Phase, text
from roost.client.tui.elsewhere import Elsewhere
from roost.client.tui.palette import Palette
from roost.client.tui.rooms_pane import badge_of, conversation_name
from roost.client.tui.wrapping import truncate, width_of

Pieces = list[tuple[str, Style]]
_SLOW_MS = 1000
ACTIVITY_MAX = 4
"""How many other conversations the status bar names while the list of rooms is hidden."""


class Bar(Widget):
    """One line, with a part at each edge."""

    ALLOW_SELECT = False

    def __init__(self, model: Model, palette: Palette, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.model = model
        self.palette = palette
        self._shown: tuple[Pieces, Pieces] | None = None

    def left(self, width: int) -> Pieces:
        """Return the left part; what is wider than `width` is cut."""
        raise NotImplementedError

    def right(self) -> Pieces:
        """Return the right part, which is never cut."""
        return []

    def follow(self) -> None:
        """Draw again if the model has changed it."""
        right = self.right()
        shown = (self.left(self._room(right)), right)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def set_palette(self, palette: Palette) -> None:
        self.palette = palette
        self._shown = None
        self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is but one
        base = Style.from_color(bgcolor=self.palette.panel.rich_color)
        width = self.size.width
        right = self.right()
        room = self._room(right)
        left = Strip([Segment(words, style) for words, style in cut(self.left(room), room)])
        left = left.adjust_cell_length(room)
        strip = Strip([*left, *(Segment(words, style) for words, style in right)])
        return strip.adjust_cell_length(width).apply_style(base)

    def _room(self, right: Pieces) -> int:
        return max(self.size.width - sum(width_of(words) for words, _ in right), 0)


class TopicBar(Bar):
    """The name of the conversation, its topic, and the number of people."""

    class Clicked(Message):
        """The whole topic is wanted."""

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette, id="topic")

    def left(self, width: int) -> Pieces:
        palette = self.palette
        conversation = self._conversation
        name = f" {truncate(conversation_name(self.model, conversation), max(width - 2, 1))}  "
        return [
            (name, palette.text + Style(bold=True)),
            (truncate(self._about(conversation), max(width - width_of(name), 0)), palette.muted),
        ]

    def right(self) -> Pieces:
        number = len(self._conversation.members)
        if not number or self.size.width < 40:
            return []
        return [(f"  {number:,} here ", self.palette.muted)]

    def on_click(self) -> None:
        self.post_message(self.Clicked())

    def _about(self, conversation: Conversation) -> str:
        if conversation.problem:
            return conversation.problem
        if conversation.kind is ConversationKind.SERVER:
            return "Messages from the server"
        peer = conversation.peer
        if conversation.kind is ConversationKind.PRIVATE and peer is not None:
            if not peer.is_online:
                return "offline; messages may not arrive"
            if peer.away is not None:
                return f"away: {peer.away}" if peer.away else "away"
            return "private conversation"
        words = " ".join(text.strip_formatting(conversation.topic).split())
        return words or "No topic yet"

    @property
    def _conversation(self) -> Conversation:
        return self.model.conversations[self.model.active]


class StatusBar(Bar):
    """The state of the connection, and what is unread elsewhere."""

    class Clicked(Message):
        """Details of the connection are wanted."""

    def __init__(
        self,
        model: Model,
        palette: Palette,
        monotonic: Callable[[], float],
        elsewhere: Callable[[], list[Elsewhere]],
    ) -> None:
        """`elsewhere` returns the other servers of the window."""
        super().__init__(model, palette, id="status")
        self._elsewhere = elsewhere
        self._monotonic = monotonic
        self.shows_activity = False
        """Whether to name unread conversations, because the list of rooms is hidden."""

    def left(self, width: int) -> Pieces:  # noqa: ARG002 - the rest is cut
        palette = self.palette
        pieces = self._connection()
        notes: Pieces = []
        waiting = self.model.waiting_count()
        if waiting:
            notes.append((f"  {waiting} not sent yet", palette.warning))
        if self.model.away is not None:
            notes.append(("  away", palette.warning))
        # What is about the user comes before the address or the reason, which may be long.
        pieces[2:2] = notes
        if self.shows_activity:
            pieces += self._activity()
        return pieces

    def right(self) -> Pieces:
        palette = self.palette
        nick = truncate(self.model.nick, 16)
        if self.size.width < 60:
            return [(f" {nick} ", palette.text)]
        if self.model.connection.problem is not None:
            # The room is for what went wrong.
            return [
                (f" {nick}  ", palette.text),
                ("F7", palette.primary),
                (" more ", palette.muted),
            ]
        return [
            (f" {nick}  ", palette.text),
            ("F1", palette.primary),
            (" keys  ", palette.muted),
            ("Ctrl+K", palette.primary),
            (" go to ", palette.muted),
        ]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Clicked())

    def _connection(self) -> Pieces:
        palette, connection = self.palette, self.model.connection
        where = connection.address or connection.network
        phase = connection.phase
        if phase is Phase.ONLINE and connection.waiting_text:
            return [(" \u25cc ", palette.warning), (connection.waiting_text, palette.warning)]
        if phase is Phase.ONLINE:
            delay = connection.round_trip_ms
            pieces = [(" \u25cf ", palette.success), (where, palette.muted)]
            if connection.is_secure:
                pieces.append((" TLS", palette.muted))
            if delay is not None:
                style = palette.warning if delay >= _SLOW_MS else palette.muted
                pieces.append((f"  {_milliseconds(delay)}", style))
            return pieces
        if phase in (Phase.CONNECTING, Phase.REGISTERING):
            return [(" \u25cc ", palette.warning), (f"Connecting to {where} \u2026", palette.muted)]
        if phase is Phase.WAITING:
            left = max((connection.retry_at_s or 0.0) - self._monotonic(), 0.0)
            words = f"Reconnecting in {left:.0f} s" if left >= 0.5 else "Reconnecting \u2026"
            why = connection.problem.text if connection.problem else ""
            return [
                (" \u25cb ", palette.warning),
                (words, palette.warning),
                ("  ", palette.muted),
                (why, palette.muted),
            ]
        why = connection.problem.text if connection.problem else "Not connected"
        return [(" \u25cb ", palette.error), (why, palette.error)]

    def _activity(self) -> Pieces:
        palette, model = self.palette, self.model
        others = [model.conversations[key] for key in model.order if key != model.active]
        busy = [found for found in others if found.unread or found.highlights]
        busy.sort(key=lambda found: (not found.highlights, -found.unread))
        pieces: Pieces = []
        for found in busy[:ACTIVITY_MAX]:
            style = palette.accent if found.highlights else palette.text
            name = truncate(conversation_name(model, found), 14)
            pieces += [("  ", palette.muted), (f"{name} {badge_of(found)}", style)]
        for server in self._elsewhere():
            if server.unread:
                style = palette.accent if server.highlights else palette.text
                number = server.highlights or server.unread
                pieces += [("  ", palette.muted), (f"{truncate(server.label, 14)} {number}", style)]
        return pieces


def cut(pieces: Pieces, width: int) -> Pieces:
    """Cut pieces to a width, and show where."""
    shown: Pieces = []
    for words, style in pieces:
        room = width - sum(width_of(before) for before, _ in shown)
        if width_of(words) > room:
            # A blank is kept before what is at the right.
            return [*shown, (truncate(words, max(room - 1, 0)), style)]
        shown.append((words, style))
    return shown


def _milliseconds(delay: float) -> str:
    return f"{delay:.0f} ms" if delay < _SLOW_MS else f"{delay / 1000:.1f} s"


def typing_words(conversation: Conversation) -> str:
    """Say who is typing."""
    nicks = list(conversation.typing)
    if not nicks:
        return ""
    if len(nicks) == 1:
        return f"{nicks[0]} is typing \u2026"
    if len(nicks) == 2:
        return f"{nicks[0]} and {nicks[1]} are typing \u2026"
    return f"{nicks[0]}, {nicks[1]} and {len(nicks) - 2} more are typing \u2026"
