"""Which rows of a long list of items of different heights are on the screen.

The list is never measured as a whole: an anchor, which is one row of one item at one line of the
screen, says where one is, and only what is on the screen is looked at. So it costs the same for ten
items and for a hundred thousand, and nothing jumps when items are added above, when the width
changes, or when heights do.

Rows of the anchor's item are counted from its end, since what neighbours change of an item (a day's
name above it, a heading) is at its beginning.
"""

from collections.abc import Callable
from typing import NamedTuple

Heights = Callable[[int], int]
"""Gives how many rows an item has; 0 for one that is not shown."""


class Place(NamedTuple):
    """One row of one item."""

    item: int
    row: int


class Viewport:
    """Where one is in a list of items 0 to `count` - 1; pinned to its end until one scrolls up."""

    def __init__(self, heights: Heights) -> None:
        self._heights = heights
        self.count = 0
        self.height = 0
        """Lines of the screen."""
        self.is_pinned = True
        self.anchor = 0
        """The item that stays where it is while one is not at the end."""
        self._below = 0
        """How many rows of the anchor's item are below the anchored row."""
        self._line = 0
        """The line of the screen where the anchored row is."""

    def rows(self) -> list[Place | None]:
        """Give what is on each line of the screen; None above the first item of a short list."""
        if self.height <= 0:
            return []
        if not self.is_pinned:
            places = self._fill(self._top())
            if len(places) >= self.height:
                return [*places]
            # What was below is gone, or there is not enough: show the end.
            self.is_pinned = True
        places = self._fill(self._before_end(self.height))
        return [None] * (self.height - len(places)) + places

    def scroll(self, lines: int) -> None:
        """Scroll down, or up with a negative number, as far as there is something."""
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
        """Bring the end of an item to a line of the screen; None: a third of it below the top."""
        if not 0 <= item < self.count:
            return
        self.is_pinned = False
        self.anchor = item
        self._below = 0
        self._line = self.height // 3 if line is None else line
        self._settle(self._top())

    def is_visible(self, item: int) -> bool:
        """Whether any row of an item is on the screen."""
        return any(place is not None and place.item == item for place in self.rows())

    def moved(self, item: int) -> None:
        """Note that the anchor's item has another place in the list now."""
        self.anchor = item

    def share(self) -> tuple[float, float]:
        """Give where the screen begins and ends as shares of the list, by items: 0 to 1."""
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
        """Anchor what is on the screen when `top` is its first row.

        The first item is the heading of the list and goes away from the screen when items are put
        below it, so another one is the anchor where possible.
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
        """Give the first row on the screen according to the anchor."""
        self.anchor = min(max(self.anchor, 0), max(self.count - 1, 0))
        row = max(self._heights(self.anchor) - 1 - self._below, 0) if self.count else 0
        return self._move(Place(self.anchor, row), -self._line)

    def _before_end(self, lines: int) -> Place:
        """Give the row that is the first one when the last `lines` rows are shown."""
        item, row = self.count, 0
        while lines > 0 and item > 0:
            item -= 1
            height = self._heights(item)
            row = max(height - lines, 0)
            lines -= height
        return Place(item, row)

    def _move(self, place: Place, lines: int) -> Place:
        """Go up or down from a row; stops at the first and behind the last."""
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
        """Give up to a screenful of rows from `top` on."""
        found: list[Place] = []
        item, first = top
        while item < self.count and len(found) < self.height:
            height = self._heights(item)
            found.extend(Place(item, row) for row in range(first, height))
            first = 0
            item += 1
        return found[: self.height]
