"""Text selected with the mouse; it stays selected while the view scrolls."""

from typing import NamedTuple

from roost.client.model import Entry
from roost.client.tui.transcript import Transcript


class Spot(NamedTuple):
    """A cell in a row of an entry."""

    entry: Entry
    item: int
    """The entry's index in the transcript."""
    row: int
    column: int

    def order(self) -> tuple[int, int, int]:
        """Return a sort key: the order in the transcript."""
        return (self.item, self.row, self.column)


class Selection:
    """The text between two spots."""

    def __init__(self) -> None:
        self._from: Spot | None = None
        self._to: Spot | None = None
        self.is_begun = False
        """Whether the button is still down."""

    @property
    def is_something(self) -> bool:
        """Whether there is anything to copy."""
        return self._from is not None and self._to is not None and self._from != self._to

    def begin(self, spot: Spot | None) -> None:
        """Start where the button was pressed."""
        self._from, self._to = spot, None
        self.is_begun = spot is not None

    def extend(self, spot: Spot | None) -> None:
        """Extend to where the pointer is."""
        if spot is not None:
            self._to = spot

    def end(self) -> None:
        """Keep the selection: the button was released."""
        self.is_begun = False

    def clear(self) -> None:
        """Select nothing."""
        self._from = self._to = None
        self.is_begun = False

    def follow(self, transcript: Transcript) -> None:
        """Find the entries again after others were added or removed above them."""
        if self._from is None or self._to is None:
            return
        first = transcript.item(self._from.entry, self._from.item)
        last = transcript.item(self._to.entry, self._to.item)
        if first is None or last is None:
            self.clear()
            return
        self._from = self._from._replace(item=first)
        self._to = self._to._replace(item=last)

    def columns(self, item: int, row: int, width: int) -> tuple[int, int] | None:
        """Return the selected columns of a row as (first, end); None for none."""
        if not self.is_something:
            return None
        first, last = self._ends()
        if not (first.item, first.row) <= (item, row) <= (last.item, last.row):
            return None
        start = first.column if (item, row) == (first.item, first.row) else 0
        end = last.column + 1 if (item, row) == (last.item, last.row) else width
        start, end = min(start, width), min(end, width)
        return (start, end) if start < end else None

    def text(self, transcript: Transcript) -> str:
        """Return the selected text as it was written, with names if there are several senders."""
        if not self.is_something:
            return ""
        first, last = self._ends()
        several = first.item != last.item
        parts: list[str] = []
        for item in range(first.item, last.item + 1):
            entry = transcript.entry(item)
            words = self._words(transcript, item)
            if entry is None or not words.strip():
                continue
            has_name = several and entry.sender and not entry.event
            parts.append(f"<{entry.sender}> {words}" if has_name else words)
        return "\n".join(parts)

    def _words(self, transcript: Transcript, item: int) -> str:
        words = ""
        for number, row in enumerate(transcript.rows(item)):
            columns = self.columns(item, number, row.strip.cell_length)
            if columns is None or row.indent >= row.strip.cell_length:
                continue
            start = max(columns[0], row.indent)
            if start >= columns[1]:
                continue
            piece = row.strip.crop(start, columns[1]).text.rstrip()
            words += (" " if row.is_continued else "\n") + piece if words else piece
        return words

    def _ends(self) -> tuple[Spot, Spot]:
        assert self._from is not None
        assert self._to is not None
        one, other = self._from, self._to
        return (one, other) if one.order() <= other.order() else (other, one)
