"""The words of a message, as PostgreSQL's index has them.

They are made here and not by a text search configuration of PostgreSQL, so that a client finds the
same in the archive as in a node's own index: runs of letters and digits, without case and marks.
Beside them are words for the conversation, its owner and the sender, which begin with a colon.

Source: postgresql.org/docs/15/datatype-textsearch.html; sqlite.org/fts5.html, "Unicode61".
"""

import re
import unicodedata
from collections.abc import Iterable

from roost.chat.history import Search
from roost.storage.search_index import said_of, sender_word, words_of_conversation, words_of_query

_RUN = re.compile(r"[^\W_]+")
_WORD_MAX = 250
"""Characters of a word that count; a lexeme has up to 2 KB."""


def words_of_text(text: str) -> list[str]:
    """Return the words of a text, as the index has them."""
    parts = unicodedata.normalize("NFD", text.lower())
    plain = "".join(letter for letter in parts if unicodedata.category(letter) != "Mn")
    return [run[:_WORD_MAX] for run in _RUN.findall(plain)]


def indexed_words(conversation: str, record: bytes) -> str | None:
    """Return all words of a row, with spaces between them; None if it is no message."""
    said = said_of(record)
    if said is None:
        return None
    extra = [*words_of_conversation(conversation).split(), sender_word(said.source.nick)]
    words = [*words_of_text(said.text), *(f":{word}" for word in extra)]
    return " ".join(dict.fromkeys(words))


def match(query: Search) -> str:
    """Return a query as PostgreSQL's `tsquery`; every word in it is quoted."""
    parts = [" | ".join(f"':{word}'" for word in words_of_query(query))]
    if query.sender:
        parts.append(f"':{sender_word(query.sender)}'")
    for word in query.words:
        # As in a node's own index: too many words begin with a given letter.
        end = ":*" if len(word) > 1 else ""
        parts += [f"'{run}'{end}" for run in words_of_text(word)]
    return " & ".join(f"({part})" for part in _some(parts))


def _some(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part]
