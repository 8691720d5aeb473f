r"""Turn what people type, which is like Markdown, into IRC's formatting codes, and back.

    **bold**  *italics*  _italics_  ~~struck~~  `code`  ||spoiler||      \* is a plain *
    ```python                  a block of code: each line becomes a line in monospace
    print("hello")
    ```

A mark counts only at the edge of a word, so 2*3*4, snake_case and links stay as they are. What is
not closed stays, too. Clients without support for a code show the plain words.

Sources: modern.ircdocs.horse/formatting; spec.commonmark.org (emphasis, fenced code). A spoiler is
text in the colour of its background, which is an old custom of IRC.
"""

import re
from typing import NamedTuple

from roost.client.model.text import PLAIN, Style, find_urls, is_spoiler, spans, strip_formatting

BOLD, ITALIC, STRUCK, CODE, COLOUR = "\x02", "\x1d", "\x1e", "\x11", "\x03"
SPOILER = f"{COLOUR}01,01"
LINKS_MAX = 200
_HIDDEN = 0xF0000
"""The first of the private characters that stand for links while marks are looked for."""
_FENCE = re.compile(
    r"^```[ \t]*([\w+#.-]{0,20})[ \t]*\n(.*?)\n?^```[ \t]*$", re.DOTALL | re.MULTILINE
)
_OPEN = r"(?<![\w\\{0}]){1}(?=[^\s{0}])"
_CLOSE = r"(?<=[^\s{0}\\]){1}(?![\w{0}])"


def _mark(name: str, letter: str, mark: str) -> str:
    opened, closed = _OPEN.format(letter, mark), _CLOSE.format(letter, mark)
    return f"{opened}(?P<{name}>[^\\n]+?){closed}"


_MARKS = re.compile(
    "|".join(
        (
            r"(?<![\w`\\])`(?P<code>[^`\n]+)`(?![\w`])",
            _mark("spoiler", r"|", r"\|\|"),
            _mark("bold", r"*", r"\*\*"),
            _mark("italic", r"*", r"\*"),
            _mark("slanted", r"_", r"_"),
            _mark("struck", r"~", r"~~"),
        )
    )
)
_ESCAPED = re.compile(r"\\([*_~`|\\])")
_CODES = {"bold": BOLD, "italic": ITALIC, "slanted": ITALIC, "struck": STRUCK}


class Said(NamedTuple):
    """A text as it goes over the wire."""

    text: str
    language: str = ""
    """Of its block of code; empty if there is none, or it is not said."""


def to_wire(typed: str) -> Said:
    """Return what to send for a text with marks."""
    parts: list[str] = []
    language = ""
    done = 0
    for match in _FENCE.finditer(typed):
        parts.append(_inline(typed[done : match.start()]))
        language = language or match[1].lower()
        parts.append("\n".join(CODE + line for line in match[2].split("\n")))
        done = match.end()
    parts.append(_inline(typed[done:]))
    return Said("".join(parts), language)


def _inline(typed: str) -> str:
    if not any(letter in typed for letter in "*_~`|\\"):
        return typed
    links = find_urls(typed)
    if len(links) > LINKS_MAX or any(ord(letter) >= _HIDDEN for letter in typed):
        return typed
    hidden = typed
    for number, (start, end) in reversed(list(enumerate(links))):
        hidden = hidden[:start] + chr(_HIDDEN + number) + hidden[end:]
    formatted = _format(hidden)
    for number, (start, end) in enumerate(links):
        formatted = formatted.replace(chr(_HIDDEN + number), typed[start:end])
    return formatted


def _format(typed: str) -> str:
    parts: list[str] = []
    done = 0
    for match in _MARKS.finditer(typed):
        parts.append(_ESCAPED.sub(r"\1", typed[done : match.start()]))
        done = match.end()
        name = match.lastgroup or ""
        inner = match[name]
        if name == "code":
            parts.append(f"{CODE}{inner}{CODE}")
        elif name == "spoiler":
            # A digit would become a part of the code.
            guard = f"{BOLD}{BOLD}" if inner[0].isdigit() or inner[0] == "," else ""
            parts.append(f"{SPOILER}{guard}{_format(inner)}{COLOUR}")
        else:
            parts.append(f"{_CODES[name]}{_format(inner)}{_CODES[name]}")
    parts.append(_ESCAPED.sub(r"\1", typed[done:]))
    return "".join(parts)


def from_wire(text: str, language: str = "") -> str:
    """Return a text with marks for one with codes, to be edited."""
    if text.isprintable():
        return text
    found: list[str] = []
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        if is_code_line(line):
            block.append(line[1:])
            continue
        if block:
            found += [f"```{language}", *block, "```"] if len(block) > 1 else [f"`{block[0]}`"]
            block = []
        found.append("".join(_marked(span.text, span.style) for span in spans(line)))
    return "\n".join(found[:-1])


def is_code_line(line: str) -> bool:
    """Return whether a line is in monospace and nothing else, as those of a block of code are."""
    return line.startswith(CODE) and strip_formatting(line[1:]) == line[1:]


def _marked(text: str, style: Style) -> str:
    if style == PLAIN or not text.strip():
        return text
    marks = (
        "`" * style.is_monospace,
        "||" * is_spoiler(style),
        "**" * style.is_bold,
        "*" * style.is_italic,
        "~~" * style.is_struck,
    )
    bare = text.strip(" ")
    before = text[: len(text) - len(text.lstrip(" "))]
    after = text[len(text.rstrip(" ")) :]
    return before + "".join(marks) + bare + "".join(reversed(marks)) + after
