"""Blocks of code in messages, and the colours of their words."""

import json
import re
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token, _TokenType
from pygments.util import ClassNotFound
from rich.style import Style

from roost.client.model import text
from roost.client.model.markup import is_code_line
from roost.client.tui.palette import Palette
from roost.client.tui.wrapping import Piece, width_of

CODE_MAX = 10_000
"""Longer blocks are not coloured: it would take longer than a frame."""
_MONOSPACE = text.PLAIN._replace(is_monospace=True)
_SIGNS = (
    ("diff", r"^(?:diff --git |@@ -\d+)"),
    ("bash", r"^(?:#!/\S*sh\b|\$ \w)"),
    ("python", r"^(?:#!.*python|\s*(?:def|class) \w+.*:$|from \S+ import |import \w+$|Traceback )"),
    ("c", r"^#include [<\"]"),
    ("rust", r"^\s*(?:pub )?fn \w+.*\{$|^use \w+::"),
    ("go", r"^(?:package \w+$|func .*\{$)"),
    ("javascript", r"^\s*(?:const|let|function|export) .*[{;]$"),
    ("html", r"^\s*<(?:!DOCTYPE|html|div|p)\b"),
    ("sql", r"^\s*(?:SELECT .+ FROM|INSERT INTO|CREATE TABLE) "),
    ("toml", r"^\[[\w.-]+\]$"),
)
"""What a line of a language looks like, for blocks whose sender does not say it."""


def blocks(words: str) -> list[tuple[bool, str]]:
    """Split a message into pieces of text and blocks of code (True), which have no codes."""
    if "\x11" not in words or "\n" not in words:
        return [(False, words)]
    found: list[tuple[bool, list[str]]] = []
    for line in words.split("\n"):
        is_code = is_code_line(line)
        if not found or found[-1][0] != is_code:
            found.append((is_code, []))
        found[-1][1].append(line[1:] if is_code else line)
    pieces: list[tuple[bool, str]] = []
    for number, (is_code, lines) in enumerate(found):
        if number:
            pieces.append((False, "\n"))
        pieces.append((is_code, "\n".join(lines)))
    return pieces


def highlight(code: str, language: str, palette: Palette, width: int) -> list[Piece]:
    """Return a block of code in colours, if its language is known or can be seen.

    Its lines are made equally long, so that its background is a rectangle, if they fit `width`.
    """
    plain = palette.piece(_MONOSPACE)
    language = language or guess(code)
    lines = code.split("\n")
    widest = max(width_of(line) for line in lines)
    if widest <= width:
        code = "\n".join(line + " " * (widest - width_of(line)) for line in lines)
    lexer = None if len(code) > CODE_MAX else _lexer(language)
    if lexer is None:
        return [Piece(code, plain)]
    pieces = [
        Piece(words, plain + _style(kind, palette))
        for _, kind, words in lexer.get_tokens_unprocessed(code)
    ]
    if "".join(piece.text for piece in pieces) != code:
        return [Piece(code, plain)]
    return pieces


def guess(code: str) -> str:
    """Return the language that a block of code seems to be in, or ""."""
    if code.lstrip()[:1] in ("{", "["):
        try:
            json.loads(code)
        except ValueError:
            pass
        else:
            return "json"
    for language, sign in _SIGNS:
        if re.search(sign, code, re.MULTILINE):
            return language
    return ""


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language) if language else None
    except ClassNotFound:
        return None


def _style(kind: _TokenType, palette: Palette) -> Style:
    colours = {
        Comment: palette.muted + Style(italic=True),
        Keyword: palette.primary + Style(bold=True),
        String: palette.success,
        Number: palette.warning,
        Operator: palette.accent,
        Name.Function: palette.accent,
        Name.Class: palette.accent,
        Name.Builtin: palette.primary,
    }
    while kind is not Token:
        if kind in colours:
            return colours[kind]
        assert kind.parent is not None
        kind = kind.parent
    return Style.null()
