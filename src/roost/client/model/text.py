"""Make texts and names safe to show, and parse IRC's formatting codes.

Text from the network may hold control characters that move the cursor, and marks that reverse the
direction of writing so that it reads as something else. This module, and no other, removes them or
makes them visible.

Sources: modern.ircdocs.horse/formatting; Unicode Standard Annex 9, section 2 (explicit formatting).
"""

import re
from typing import Any, NamedTuple

_FORMATTING = "\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f"
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = "\u00ad\u034f\u115f\u1160\u180e\u200b\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff"
_CONTROL = "".join(map(chr, (*range(0x20), 0x7F, *range(0x80, 0xA0))))

_IN_TEXT: dict[int, str | None] = dict.fromkeys(map(ord, _BIDI + "\ufeff\u2028\u2029"))
_IN_TEXT.update({ord(c): "\ufffd" for c in _CONTROL if c not in _FORMATTING + "\n\t"})
_IN_TEXT[ord("\t")] = " "
_IN_NAME: dict[int, str | None] = dict.fromkeys(map(ord, _BIDI + _INVISIBLE))
_IN_NAME.update({ord(c): "\ufffd" for c in _CONTROL + "\n"})
_IN_NAME[0x20] = "\ufffd"
_UNSAFE = re.compile(f"[{re.escape(_CONTROL + _BIDI + _INVISIBLE)}]")
_SURROGATES = re.compile("[\ud800-\udfff]")

_CODES = re.compile(
    "\x03(?:(\\d{1,2})(?:,(\\d{1,2}))?)?"
    "|\x04(?:([0-9A-Fa-f]{6})(?:,([0-9A-Fa-f]{6}))?)?"
    "|([\x02\x0f\x11\x16\x1d\x1e\x1f])"
)
_URL = re.compile(r"(?:https?|ircs?|gemini|mailto):(?://)?[^\s<>\"\x00-\x1f]+", re.IGNORECASE)
_CLOSING = {")": "(", "]": "[", "}": "{"}


class Style(NamedTuple):
    """How a piece of text looks."""

    foreground: str = ""
    """"0" to "98" for IRC's colours, "#rrggbb", or empty."""
    background: str = ""
    is_bold: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_struck: bool = False
    is_monospace: bool = False
    is_reversed: bool = False


class Span(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: Style
    url: str = ""
    """Where a click leads; empty if it is not a link."""


PLAIN = Style()
_TOGGLES = {
    "\x02": "is_bold",
    "\x1d": "is_italic",
    "\x1f": "is_underlined",
    "\x1e": "is_struck",
    "\x11": "is_monospace",
    "\x16": "is_reversed",
}


def clean_text(text: str) -> str:
    """Make a text safe to show; formatting codes and line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
    return text.translate(_IN_TEXT) if _UNSAFE.search(text) else text


def clean_name(name: str) -> str:
    """Make a name safe to show: one word without invisible characters."""
    if name.isascii() and name.isprintable() and " " not in name:
        return name
    return _SURROGATES.sub("\ufffd", name).translate(_IN_NAME)


def is_spoiler(style: Style) -> bool:
    """Return whether a text has the colour of its background: nobody reads it by chance."""
    return bool(style.foreground) and style.foreground == style.background


def preview(text: str) -> str:
    """Remove the formatting codes, and what is hidden: for quotes, lists and notifications."""
    if text.isprintable():
        return text
    return "".join("[spoiler]" if is_spoiler(span.style) else span.text for span in spans(text))


def strip_formatting(text: str) -> str:
    """Remove the formatting codes."""
    return text if text.isprintable() else _CODES.sub("", text)


def find_urls(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each link in a text without codes."""
    if ":" not in text:
        return []
    return [(m.start(), m.start() + len(_trim(m[0]))) for m in _URL.finditer(text)]


def _trim(url: str) -> str:
    """Remove trailing punctuation, which belongs to the sentence and not to the link."""
    while url:
        last = url[-1]
        if last in ".,;:!?'\"*_" or (
            last in _CLOSING and url.count(last) > url.count(_CLOSING[last])
        ):
            url = url[:-1]
            continue
        break
    return url


def spans(text: str) -> list[Span]:
    """Split a text into pieces of one style each, with links as pieces of their own."""
    pieces = [(text, PLAIN)] if text.isprintable() else _styled(text)
    plain = "".join(piece for piece, _ in pieces)
    links = find_urls(plain)
    if not links:
        return [Span(piece, style) for piece, style in pieces if piece]
    found: list[Span] = []
    start = 0
    for piece, style in pieces:
        found.extend(_cut(piece, style, start, plain, links))
        start += len(piece)
    return found


def _cut(
    piece: str, style: Style, start: int, plain: str, links: list[tuple[int, int]]
) -> list[Span]:
    found: list[Span] = []
    done = start
    end = start + len(piece)
    for first, last in links:
        if last <= done or first >= end:
            continue
        if first > done:
            found.append(Span(plain[done:first], style))
        found.append(Span(plain[max(first, done) : min(last, end)], style, plain[first:last]))
        done = min(last, end)
    if done < end:
        found.append(Span(plain[done:end], style))
    return found


def _styled(text: str) -> list[tuple[str, Style]]:
    pieces: list[tuple[str, Style]] = []
    style = PLAIN
    done = 0
    for match in _CODES.finditer(text):
        pieces.append((text[done : match.start()], style))
        done = match.end()
        style = _next_style(style, match)
    pieces.append((text[done:], style))
    return [piece for piece in pieces if piece[0]]


def _next_style(style: Style, match: re.Match[str]) -> Style:
    code = match[0][0]
    if code == "\x0f":
        return PLAIN
    if code == "\x03":
        if match[1] is None:
            return style._replace(foreground="", background="")
        background = style.background if match[2] is None else _colour(match[2])
        return style._replace(foreground=_colour(match[1]), background=background)
    if code == "\x04":
        if match[3] is None:
            return style._replace(foreground="", background="")
        background = style.background if match[4] is None else f"#{match[4].lower()}"
        return style._replace(foreground=f"#{match[3].lower()}", background=background)
    name = _TOGGLES[code]
    flipped: Any = {name: not getattr(style, name)}
    return style._replace(**flipped)


def _colour(digits: str) -> str:
    """Return a colour's number; 99 is the default colour."""
    return "" if int(digits) == 99 else str(int(digits))
