"""Lay out an entry of a conversation as rows of the terminal.

      10:42   alice  A message, which goes on in the same column when it is longer than
                     the line is wide.
    v 10:43          Her next message: the name, and an equal time, are not repeated.

The first column shows what became of the user's own message. Below 56 cells the name gets a line of
its own instead of a column. Scrolling is not the business of this module: see `viewport`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from roost.client.model import Conversation, Delivery, Entry, EntryKind, text
from roost.client.tui.calendar import Calendar
from roost.client.tui.highlighting import blocks, highlight
from roost.client.tui.marks import EVENT_MARKS, MARKS
from roost.client.tui.palette import Palette
from roost.client.tui.wrapping import Piece, truncate, width_of, wrap
from roost.irc.casemapping import fold_nick

MEASURE_MAX = 100
"""The greatest width of texts: the eye loses its line in longer ones."""
STACKED_BELOW = 56
"""Narrower views show the name above the text."""
GROUP_MS = 5 * 60_000
"""Messages of one sender that are further apart start a new group."""
_TIME = 5
MESSAGE = "message"
THREAD = "thread"
SPOILER = "spoiler"
"""The names under which a segment's style says where a click leads: to a message by its id."""
HIDDEN = "\u2591"
"""Stands for a cell of a spoiler."""
_ANSWERS_MIN = 2
_REACTIONS_MAX = 12
"""How many different reactions are shown; anybody may add more."""


class Row(NamedTuple):
    """A line of the terminal."""

    strip: Strip
    indent: int = 0
    """Where the text to copy starts; the width of the row if there is none."""
    is_continued: bool = False
    """It continues the row above, which was only wrapped."""


class Context(NamedTuple):
    """What an entry's rows need to know about its neighbours."""

    day: str = ""
    """The day's name, on the first entry of a day."""
    is_first_unread: bool = False
    is_grouped: bool = False
    """It continues the group of the entry above: the same sender, a short time later."""
    shows_time: bool = True
    shows_spoilers: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What the rows of all entries depend on; rows made for another look are discarded."""

    width: int
    palette: Palette
    calendar: Calendar
    query: str = ""
    """The search query, in lower case."""
    nick: str = ""

    @property
    def is_stacked(self) -> bool:
        """Whether names are above the text."""
        return self.width < STACKED_BELOW

    @property
    def name_width(self) -> int:
        """The width of the column of names."""
        return 9 if self.width < 70 else 12 if self.width < 100 else 16

    @property
    def indent(self) -> int:
        """Where texts start."""
        return 3 if self.is_stacked else 2 + _TIME + 1 + self.name_width + 2

    @property
    def text_width(self) -> int:
        """The width of texts."""
        return max(min(self.width - self.indent - 1, MEASURE_MAX), 4)


def is_same_group(before: Entry, entry: Entry, calendar: Calendar) -> bool:
    """Return whether an entry continues the group of the one before."""
    return (
        before.sender == entry.sender
        and entry.kind is EntryKind.MESSAGE
        and before.kind is EntryKind.MESSAGE
        and not entry.reply_to
        and not entry.is_redacted
        and 0 <= entry.time_ms - before.time_ms < GROUP_MS
        and calendar.day(before.time_ms) == calendar.day(entry.time_ms)
    )


def lay_out(entry: Entry, context: Context, look: Look, conversation: Conversation) -> list[Row]:
    """Return the rows of an entry."""
    return _Layout(entry, context, look, conversation).rows()


class _Layout:
    """Lays out one entry."""

    def __init__(
        self, entry: Entry, context: Context, look: Look, conversation: Conversation
    ) -> None:
        self._entry = entry
        self._context = context
        self._look = look
        self._palette = look.palette
        self._conversation = conversation

    def rows(self) -> list[Row]:
        entry = self._entry
        found = self._separators()
        if entry.is_redacted:
            found += self._body(self._redacted())
        elif entry.kind is EntryKind.GAP:
            words = "Messages are missing here. Click, or press Enter, to load them."
            found.append(separator(words, self._look, self._palette.warning))
        elif entry.kind is EntryKind.EVENT:
            found += self._body(self._plain(entry.text, self._palette.muted))
        else:
            found += self._reply()
            found += self._body(self._pieces())
            found += self._reactions()
            found += self._answers()
        if entry.delivery is Delivery.FAILED:
            found += self._failure()
        return found

    def _separators(self) -> list[Row]:
        rows = []
        if self._context.day:
            rows.append(separator(self._context.day, self._look, self._palette.muted))
        if self._context.is_first_unread:
            rows.append(separator("New messages", self._look, self._palette.accent))
        return rows

    # The text.

    def _pieces(self) -> list[Piece]:
        entry, palette = self._entry, self._palette
        dimmed = entry.delivery in (Delivery.WAITING, Delivery.SENDING, Delivery.FAILED)
        soft = dimmed or entry.kind in (EntryKind.INFORMATION, EntryKind.NOTICE)
        pieces: list[Piece] = []
        if entry.kind is EntryKind.ACTION:
            pieces += [Piece(entry.sender, self._name_style()), Piece(" ", palette.text)]
        for is_code, words in blocks(entry.text):
            if is_code:
                pieces += highlight(words, entry.language, palette, self._look.text_width)
                continue
            for span in text.spans(words):
                style = palette.piece(span.style)
                if soft and span.style == text.PLAIN:
                    style = palette.muted
                if entry.kind is EntryKind.ACTION:
                    style += Style(italic=True)
                if span.url:
                    # A terminal opens it by OSC 8; the view handles a click (`Style.link`).
                    style = style + palette.link + Style(link=span.url)
                if text.is_spoiler(span.style):
                    pieces.append(self._spoiler(span))
                else:
                    pieces.append(Piece(span.text, style))
        if entry.edits:
            pieces.append(Piece(" (edited)", palette.faint))
        return self._marked(pieces)

    def _spoiler(self, span: text.Span) -> Piece:
        style = self._palette.badge + Style(meta={SPOILER: True})
        if self._context.shows_spoilers:
            return Piece(span.text, style)
        hidden = "".join(
            letter if letter.isspace() else HIDDEN * width_of(letter) for letter in span.text
        )
        return Piece(hidden, style)

    def _plain(self, words: str, style: Style) -> list[Piece]:
        return self._marked([Piece(text.strip_formatting(words), style)])

    def _redacted(self) -> list[Piece]:
        reason = f": {self._entry.failure}" if self._entry.failure else ""
        return [Piece(f"This message was deleted{reason}", self._palette.muted)]

    def _marked(self, pieces: list[Piece]) -> list[Piece]:
        """Highlight the search query."""
        query = self._look.query
        if not query:
            return pieces
        plain = "".join(piece.text for piece in pieces).lower()
        found: list[tuple[int, int]] = []
        start = plain.find(query)
        while start >= 0:
            found.append((start, start + len(query)))
            start = plain.find(query, start + len(query))
        if not found:
            return pieces
        marked: list[Piece] = []
        place = 0
        for piece in pieces:
            end = place + len(piece.text)
            done = place
            for first, last in found:
                if last <= done or first >= end:
                    continue
                marked.append(Piece(piece.text[done - place : first - place], piece.style))
                cut = slice(max(first, done) - place, min(last, end) - place)
                marked.append(Piece(piece.text[cut], piece.style + self._palette.match))
                done = min(last, end)
            marked.append(Piece(piece.text[done - place :], piece.style))
            place = end
        return [piece for piece in marked if piece.text]

    def _body(self, pieces: list[Piece]) -> list[Row]:
        look = self._look
        rows: list[Row] = []
        if look.is_stacked and self._entry.sender and not self._context.is_grouped:
            rows += self._heading()
        paragraphs = _split_lines(pieces)
        for paragraph in paragraphs:
            for number, line in enumerate(wrap(paragraph, look.text_width)):
                head = self._margin(is_first=not rows or (look.is_stacked and len(rows) == 1))
                rows.append(self._row([*head, *line], look.indent, is_continued=number > 0))
        return rows

    def _heading(self) -> list[Row]:
        """Return the line with name and time for a narrow view, if the entry has a name to show."""
        entry, palette = self._entry, self._palette
        if entry.kind not in (EntryKind.MESSAGE, EntryKind.NOTICE):
            return []
        name = truncate(entry.sender, max(self._look.width - 12, 4))
        time = Segment("  " + self._look.calendar.minute(entry.time_ms), palette.muted)
        head = [Segment("   ", palette.text), Segment(name, self._name_style()), time]
        return [self._row(head, self._look.width)]

    def _margin(self, *, is_first: bool) -> list[Segment]:
        look, palette = self._look, self._palette
        if not is_first:
            return [Segment(" " * look.indent, palette.text)]
        mark, mark_style = self._mark()
        gutter = Segment(f"{mark} ", mark_style)
        if look.is_stacked:
            return [gutter, Segment(" " * (look.indent - 2), palette.text)]
        time = look.calendar.minute(self._entry.time_ms) if self._context.shows_time else ""
        return [
            gutter,
            Segment(
                time.rjust(_TIME) + " ",
                palette.muted if not self._context.is_grouped else palette.faint,
            ),
            *self._name(look.name_width),
            Segment("  ", palette.text),
        ]

    def _name(self, width: int) -> list[Segment]:
        entry, palette = self._entry, self._palette
        if self._context.is_grouped:
            return [Segment(" " * width, palette.text)]
        if entry.kind in (EntryKind.MESSAGE, EntryKind.NOTICE) and entry.sender:
            name, style = truncate(entry.sender, width), self._name_style()
        elif entry.kind is EntryKind.ACTION:
            name, style = "*", self._name_style()
        elif entry.kind is EntryKind.EVENT:
            mark, colour = EVENT_MARKS.get(entry.event, ("\u00b7", "muted"))
            name, style = mark, getattr(palette, colour)
        else:
            name, style = "\u00b7", palette.muted
        return [Segment(" " * (width - width_of(name)), palette.text), Segment(name, style)]

    def _name_style(self) -> Style:
        style = self._palette.name(fold_nick(self._entry.sender))
        return style + Style(italic=True) if self._entry.kind is EntryKind.NOTICE else style

    def _mark(self) -> tuple[str, Style]:
        if self._entry.is_highlight:
            return "\u258c", self._palette.accent
        mark, colour = MARKS[self._entry.delivery]
        return mark, getattr(self._palette, colour)

    # Around the text.

    def _reply(self) -> list[Row]:
        reply_to = self._entry.reply_to
        if not reply_to:
            return []
        palette, look = self._palette, self._look
        answered = self._conversation.find(reply_to)
        if answered is None:
            head, words = "\u21b3 ", "an earlier message"
            name: list[Segment] = []
        else:
            head, words = "\u21b3 ", " ".join(text.preview(answered.text).split())
            style = palette.name(fold_nick(answered.sender))
            name = [Segment(truncate(answered.sender, 16) + " ", style)]
        left = look.text_width - 2 - sum(width_of(segment.text) for segment in name)
        leads = Style(meta={MESSAGE: reply_to})
        shown = [
            Segment(head, palette.muted),
            *name,
            Segment(truncate(words, left), palette.muted),
        ]
        indent = Segment(" " * look.indent, palette.text)
        return [self._row([indent, *Segment.apply_style(shown, post_style=leads)], look.width)]

    def _answers(self) -> list[Row]:
        """Say how many replies there are, from two on; a click shows the thread."""
        msgid, palette = self._entry.msgid, self._palette
        count = len(self._conversation.answers(msgid)) if msgid else 0
        if count < _ANSWERS_MIN:
            return []
        indent = Segment(" " * self._look.indent, palette.text)
        style = palette.muted + Style(meta={THREAD: msgid})
        return [self._row([indent, Segment(f"\u21b3 {count} replies", style)], self._look.width)]

    def _reactions(self) -> list[Row]:
        reactions = self._entry.reactions
        if not reactions:
            return []
        palette = self._palette
        pieces: list[Piece] = []
        for reaction, nicks in list(reactions.items())[:_REACTIONS_MAX]:
            style = palette.alert if self._look.nick in nicks else palette.badge
            words = f" {truncate(reaction, 16)}\u00a0{len(nicks)} ".replace(" ", "\u00a0")
            pieces += [Piece(words, style), Piece(" ", palette.text)]
        if len(reactions) > _REACTIONS_MAX:
            pieces.append(Piece(f"and {len(reactions) - _REACTIONS_MAX} more", palette.muted))
        indent = Segment(" " * self._look.indent, palette.text)
        lines = wrap(pieces, self._look.text_width)
        return [self._row([indent, *line], self._look.width) for line in lines]

    def _failure(self) -> list[Row]:
        reason = self._entry.failure.rstrip(".") or "it was not confirmed"
        words = f"Not sent: {reason}. Ctrl+R sends it again."
        indent = Segment(" " * self._look.indent, self._palette.text)
        lines = wrap([Piece(words, self._palette.error)], self._look.text_width)
        return [self._row([indent, *line], self._look.width) for line in lines]

    def _row(self, segments: list[Segment], indent: int, *, is_continued: bool = False) -> Row:
        width = self._look.width
        strip = Strip(segments).adjust_cell_length(width, self._palette.text)
        if self._entry.is_highlight:
            strip = strip.apply_style(self._palette.highlight)
        return Row(strip, min(indent, width), is_continued)


def separator(words: str, look: Look, style: Style) -> Row:
    """Return a line across the view with words in its middle."""
    line = look.palette.faint
    width = min(look.indent + look.text_width + 1, look.width)
    words = f" {truncate(words, max(width - 6, 1))} "
    before = max((width - width_of(words)) // 2, 0)
    after = max(width - width_of(words) - before, 0)
    segments = [
        Segment("\u2500" * before, line),
        Segment(words, style),
        Segment("\u2500" * after, line),
    ]
    return Row(Strip(segments).adjust_cell_length(look.width, look.palette.text), look.width)


def _split_lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Split at line breaks, so that wrapping can be told apart from them."""
    found: list[list[Piece]] = [[]]
    for piece in pieces:
        first, *others = piece.text.split("\n")
        found[-1].append(Piece(first, piece.style))
        found.extend([Piece(other, piece.style)] for other in others)
    return found
