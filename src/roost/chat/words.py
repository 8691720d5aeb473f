"""The words of a text, as searches find them: runs of letters and digits, without case and marks.

A query and all that answers it (a node's index, the archive) take words from here, so that they
agree on what a word is.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import chain

WORD_MAX = 250
"""Characters of a word that a query can have, and that the archive keeps: a lexeme of PostgreSQL
has up to 2 KB."""

_RUN = re.compile(r"[^\W_]+")
_CACHED_MAX = 32
"""Characters of a piece of text whose words are remembered: longer ones hardly come again."""
_LOWERED = bytes(byte if chr(byte).isalnum() else ord("\n") for byte in range(128)).lower()
_PLAIN = _LOWERED + b"\n" * 128
"""What an ASCII letter or digit becomes; everything else ends a word."""


def words_of_text(text: str) -> list[str]:
    """Return the words of a text in their order, up to `WORD_MAX` characters of each."""
    if text.isascii():
        return [run[:WORD_MAX] for run in _RUN.findall(text.lower())]
    # No word and no mark reaches over white space.
    return [*chain.from_iterable(map(_words_of_piece, text.split()))]


def lines_of_words(text: str) -> bytes:
    """Return the words of a text in UTF-8, with at least one newline between two."""
    if text.isascii():
        return text.encode("ascii").translate(_PLAIN)
    return "\n".join(words_of_text(text)).encode()


def _words_of_piece(piece: str) -> tuple[str, ...]:
    return _remembered(piece) if len(piece) <= _CACHED_MAX else _fold(piece)


def _fold(piece: str) -> tuple[str, ...]:
    letters = unicodedata.normalize("NFD", piece.lower())
    plain = "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
    return tuple(run[:WORD_MAX] for run in _RUN.findall(plain))


_remembered = lru_cache(maxsize=8192)(_fold)
