"""Wrap styled text, between words if possible.

Widths are in cells of the terminal: some characters take two, some none.
"""

import re
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style

_WORD = re.compile(r" *[^ ]+ *")
TEXT_MAX = 20_000
"""Longer paragraphs are cut: they fit no screen, and laying them out would block the interface."""


class Piece(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: Style


def width_of(text: str) -> int:
    """Return the number of cells that a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def breaks(text: str, width: int) -> list[tuple[int, int]]:
    """Return (start, end) of each line of a text without line breaks, surrounding blanks excluded.

    No line is wider than `width`, which must be at least 2.
    """
    if width_of(text) <= width:
        return [(0, len(text))]
    lines: list[tuple[int, int]] = []
    start = used = 0
    end = 0
    for match in _WORD.finditer(text):
        word = match[0]
        bare = width_of(word.rstrip(" "))
        if used and used + bare > width:
            lines.append((start, end))
            start = match.start() + len(word) - len(word.lstrip(" "))
            used = 0
            word = text[start : match.end()]
            bare = width_of(word.rstrip(" "))
        while bare > width:
            # A word that is wider than a line is split.
            head = chop_cells(word, width)[0]
            lines.append((start, start + len(head)))
            start += len(head)
            word = word[len(head) :]
            bare = width_of(word.rstrip(" "))
        used += width_of(word)
        end = start + len(text[start : match.end()].rstrip(" "))
    if start < len(text) or not lines:
        lines.append((start, max(end, start)))
    return lines


def wrap(pieces: list[Piece], width: int) -> list[list[Segment]]:
    """Wrap pieces, which may contain line breaks, into lines of segments."""
    lines: list[list[Segment]] = []
    for paragraph in _paragraphs(pieces):
        plain = "".join(piece.text for piece in paragraph)
        if width_of(plain) <= width:
            lines.append([Segment(piece.text, piece.style) for piece in paragraph])
            continue
        lines.extend(_cut(paragraph, breaks(plain, width)))
    return lines or [[]]


def truncate(text: str, width: int) -> str:
    """Cut a text to a width, with an ellipsis if something is missing."""
    if width_of(text) <= width:
        return text
    if width <= 1:
        return "\u2026"[: max(width, 0)]
    return chop_cells(text, width - 1)[0] + "\u2026"


def _paragraphs(pieces: list[Piece]) -> list[list[Piece]]:
    found: list[list[Piece]] = [[]]
    left = TEXT_MAX
    for piece in pieces:
        text = piece.text[:left]
        left -= len(text)
        if "\n" not in text:
            found[-1].append(Piece(text, piece.style))
            continue
        first, *others = text.split("\n")
        found[-1].append(Piece(first, piece.style))
        found.extend([Piece(other, piece.style)] for other in others)
    return found


def _cut(pieces: list[Piece], lines: list[tuple[int, int]]) -> list[list[Segment]]:
    """Cut pieces into lines; both cover the same text, in order."""
    found: list[list[Segment]] = []
    place = 0
    index = 0
    for start, end in lines:
        line: list[Segment] = []
        while index < len(pieces):
            piece = pieces[index]
            piece_end = place + len(piece.text)
            if piece_end > start:
                line.append(Segment(piece.text[max(start - place, 0) : end - place], piece.style))
            if piece_end > end:
                break
            place = piece_end
            index += 1
        found.append([segment for segment in line if segment.text])
    return found
