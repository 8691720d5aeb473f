"""By which means a terminal can show pictures, and the widgets that do so.

The terminal is asked three things at once: for kitty's graphics, for the size of a cell, and for
its attributes. Every terminal answers the last, after what it answered before; so nothing has to
be guessed by the time that passes. The answers come among the keys; `Inquiry` takes them out.

Sources: sw.kovidgoyal.net/kitty/graphics-protocol, "Querying support and available transmission
mediums"; xterm's ctlseqs, "Send Device Attributes" (4 means sixel) and "Window manipulation" (16).
"""

import enum
import fcntl
import io
import os
import re
import struct
import sys
import termios
from typing import TYPE_CHECKING

from textual.driver import Driver
from textual.widget import Widget

if TYPE_CHECKING:
    from PIL.Image import Image

_GRAPHICS = "\x1b_Gi=1,s=1,v=1,a=q,t=d,f=24,U=1;AAAA\x1b\\"
"""U, pictures in place of characters, is unknown before kitty 0.28, which then does not answer."""
_CELL_SIZE = "\x1b[16t"
_ATTRIBUTES = "\x1b[c"
_ANSWER = re.compile(r"\x1b_G([^\x1b]*)\x1b\\|\x1b\[6;(\d+);(\d+)t|\x1b\[\?([\d;]*)c")
_UNFINISHED = re.compile(r"\x1b(?:_(?:G[^\x1b]*\x1b?)?|\[(?:6(?:;[\d;]*)?|\?[\d;]*)?)?$")
_SIXEL = "4"
CELL_SIZE = (10, 20)
"""Of a terminal that does not say."""


class Means(enum.Enum):
    """How pictures are shown."""

    BLOCKS = enum.auto()
    """Two coloured halves in each cell; every terminal can."""
    SIXEL = enum.auto()
    KITTY = enum.auto()


class Inquiry:
    """Asks one terminal; to a multiplexer, kitty's question would be a new title."""

    def __init__(self, *, is_multiplexed: bool) -> None:
        self._is_multiplexed = is_multiplexed
        self._held = ""
        self._has_graphics = False
        self.means = Means.BLOCKS
        self.cell_size: tuple[int, int] | None = None
        """Width and height in pixels."""
        self.is_over = False

    def query(self) -> str:
        """Return what to send."""
        return ("" if self._is_multiplexed else _GRAPHICS) + _CELL_SIZE + _ATTRIBUTES

    def receive(self, text: str) -> str:
        """Take answers out of what a terminal sent; return the rest, which are keys."""
        text, self._held = self._held + text, ""
        if not self.is_over:
            text = _ANSWER.sub(self._note, text)
        return text if self.is_over else self._hold(text)

    def _hold(self, text: str) -> str:
        """Keep the beginning of an answer at the end of a text; return the rest."""
        unfinished = _UNFINISHED.search(text)
        if unfinished is None:
            return text
        self._held = unfinished[0]
        return text[: unfinished.start()]

    def flush(self) -> str:
        """Return what was the beginning of an answer, but has not gone on for a while."""
        held, self._held = self._held, ""
        return held

    def _note(self, answer: re.Match[str]) -> str:
        graphics, height, width, attributes = answer.groups(default="")
        if graphics:
            self._has_graphics = graphics.endswith(";OK")
        elif height:
            if int(width) and int(height):
                self.cell_size = (int(width), int(height))
        else:
            self.is_over = True
            # Some have both, but draw kitty's pictures only where they are not among text.
            if _SIXEL in attributes.split(";"):
                self.means = Means.SIXEL
            elif self._has_graphics:
                self.means = Means.KITTY
        return ""


def picture_widget(driver: Driver | None, picture: "Image") -> Widget:
    """Return a widget that shows a picture in a driver's terminal."""
    inquiry = inquiry_of(driver)
    _load(cell_size(driver))
    from textual_image.widget import HalfcellImage, SixelImage, TGPImage

    means = Means.BLOCKS if inquiry is None else inquiry.means
    if means is Means.KITTY:
        return TGPImage(picture)
    return SixelImage(picture) if means is Means.SIXEL else HalfcellImage(picture)


def inquiry_of(driver: Driver | None) -> Inquiry | None:
    found = getattr(driver, "inquiry", None)
    return found if isinstance(found, Inquiry) else None


def cell_size(driver: Driver | None) -> tuple[int, int]:
    """Return width and height of a cell in pixels."""
    inquiry = inquiry_of(driver)
    return _known_cell_size() or (None if inquiry is None else inquiry.cell_size) or CELL_SIZE


def fit(pixels: tuple[int, int], room: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """Return how many columns and rows a picture takes that fills as much room as it can."""
    width, height = max(pixels[0], 1), max(pixels[1], 1)
    scale = min(room[0] * cell[0] / width, room[1] * cell[1] / height)
    columns, rows = round(width * scale / cell[0]), round(height * scale / cell[1])
    return max(columns, 1), max(rows, 1)


def _known_cell_size() -> tuple[int, int] | None:
    """Return what the system knows about the size of a cell; many know nothing."""
    try:
        answer = fcntl.ioctl(sys.__stdin__.fileno(), termios.TIOCGWINSZ, bytes(8))  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):
        return None
    rows, columns, width, height = struct.unpack("HHHH", answer)
    if not rows or not columns or width < columns or height < rows:
        return None
    return width // columns, height // rows


def _load(size: tuple[int, int]) -> None:
    """Import the library so that it neither writes to the terminal nor reads its answers.

    It would take them from the thread that reads the keys. It asks only a terminal, and takes the
    size of a cell from the environment if there is none.
    """
    os.environ["TEXTUAL_CELL_WIDTH"], os.environ["TEXTUAL_CELL_HEIGHT"] = map(str, size)
    stdout = sys.__stdout__
    sys.__stdout__ = io.StringIO()  # type: ignore[misc, assignment]
    try:
        import textual_image.widget  # noqa: F401
    finally:
        sys.__stdout__ = stdout  # type: ignore[misc]
