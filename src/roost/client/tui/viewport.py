"""Find the rows on the screen, in a long list of items of different heights.

The list is never measured as a whole. An anchor (a row of an item, at a line of the screen) fixes
the position, and only what is on the screen is looked at. So the cost is the same for ten items and
for a hundred thousand, and nothing jumps when items are added above, or when widths or heights
change.

Rows of the anchor's item are counted from its end, because neighbours change its beginning: the
name of a day, or a heading, may appear above it.
"""

from collections.abc import Callable
from typing import NamedTuple

Heights = Callable[[int], int]
"""Returns the number of rows of an item; 0 if it is not shown."""


class Place(NamedTuple):
    """A row of an item."""

    item: int
    row: int


class Viewport:
    """A position in items 0 to `count` - 1, pinned to the end until the user scrolls up."""

    def __init__(self, heights: Heights) -> None:
        self._heights = heights
        self.count = 0
        self.height = 0
        """In lines."""
        self.is_pinned = True
        self.anchor = 0
        """The item that stays in place while the position is not pinned."""
        self._below = 0
        """The number of rows of the anchor's item below the anchored row."""
        self._line = 0
        """The line of the screen of the anchored row."""

    def rows(self) -> list[Place | None]:
        """Return what is on each line of the screen; None above the first item of a short list."""
        if self.height <= 0:
            return []
        if not self.is_pinned:
            places = self._fill(self._top())
            if len(places) >= self.height:
                return [*places]
            # What was below is gone, or there is too little: show the end.
            self.is_pinned = True
        places = self._fill(self._before_end(self.height))
        return [None] * (self.height - len(places)) + places

    def scroll(self, lines: int) -> None:
        """Scroll down, or up by a negative number, as far as possible."""
        if self.height <= 0 or not self.count:
            return
        if lines > 0 and self.is_pinned:
            return
        top = self._before_end(self.height) if self.is_pinned else self._top()
        top = self._move(top, lines)
        last = self._before_end(self.height)
        if top >= last:
            self.to_end()
        else:
            self._fix(top)

    def to_end(self) -> None:
        """Go to the end, and stay there."""
        self.is_pinned = True

    def to_start(self) -> None:
        """Go to the first item."""
        self._settle(Place(0, 0))

    def to_item(self, item: int, line: int | None = None) -> None:
        """Put the end of an item on a line of the screen, by default a third below the top."""
        if not 0 <= item < self.count:
            return
        self.is_pinned = False
        self.anchor = item
        self._below = 0
        self._line = self.height // 3 if line is None else line
        self._settle(self._top())

    def is_visible(self, item: int) -> bool:
        """Return whether any row of an item is on the screen."""
        return any(place is not None and place.item == item for place in self.rows())

    def moved(self, item: int) -> None:
        """Note the new index of the anchor's item."""
        self.anchor = item

    def share(self) -> tuple[float, float]:
        """Return where the screen begins and ends, as shares of the items from 0 to 1."""
        places = [place for place in self.rows() if place is not None]
        if not places or not self.count:
            return 0.0, 1.0
        return places[0].item / self.count, (places[-1].item + 1) / self.count

    def _settle(self, top: Place) -> None:
        if top >= self._before_end(self.height):
            self.to_end()
        else:
            self._fix(top)

    def _fix(self, top: Place) -> None:
        """Set the anchor for a screen whose first row is `top`.

        The first item is the heading, which leaves the screen when items are added below it, so
        another item becomes the anchor if possible.
        """
        self.is_pinned = False
        places = self._fill(top)
        line, place = next(
            ((line, place) for line, place in enumerate(places) if place.item > 0), (0, top)
        )
        self.anchor = place.item
        self._below = max(self._heights(place.item) - 1 - place.row, 0)
        self._line = line

    def _top(self) -> Place:
        """Return the first row on the screen, as the anchor fixes it."""
        self.anchor = min(max(self.anchor, 0), max(self.count - 1, 0))
        row = max(self._heights(self.anchor) - 1 - self._below, 0) if self.count else 0
        return self._move(Place(self.anchor, row), -self._line)

    def _before_end(self, lines: int) -> Place:
        """Return the first row of the last `lines` rows."""
        item, row = self.count, 0
        while lines > 0 and item > 0:
            item -= 1
            height = self._heights(item)
            row = max(height - lines, 0)
            lines -= height
        return Place(item, row)

    def _move(self, place: Place, lines: int) -> Place:
        """Move up or down from a row, stopping at the first and behind the last."""
        item, row = place
        row += lines
        while row < 0 and item > 0:
            item -= 1
            row += self._heights(item)
        if row < 0:
            return Place(0, 0)
        while item < self.count and row >= (height := self._heights(item)):
            row -= height
            item += 1
        return Place(item, row)

    def _fill(self, top: Place) -> list[Place]:
        """Return up to a screenful of rows, starting at `top`."""
        found: list[Place] = []
        item, first = top
        while item < self.count and len(found) < self.height:
            height = self._heights(item)
            found.extend(Place(item, row) for row in range(first, height))
            first = 0
            item += 1
        return found[: self.height]
