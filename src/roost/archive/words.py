"""The words of a message, as PostgreSQL's index has them.

They are made here and not by a text search configuration of PostgreSQL, so that a client finds the
same in the archive as in a node's own index. Beside them are words for the conversation, its owner
and the sender, which begin with a colon.

Source: postgresql.org/docs/15/datatype-textsearch.html.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import msgspec

from roost.chat.changes import Said
from roost.chat.history import Search, decode_change
from roost.chat.words import words_of_text
from roost.irc.casemapping import fold_nick


def indexed_words(conversation: str, record: bytes) -> str | None:
    """Return all words of a row, with spaces between them; None if it is no message."""
    try:
        said = decode_change(record)
    except msgspec.MsgspecError:
        return None
    if not isinstance(said, Said):
        return None
    extra = [*_words_of_conversation(conversation), _sender_word(said.source.nick)]
    words = [*words_of_text(said.text), *(f":{word}" for word in extra)]
    return " ".join(dict.fromkeys(words))


def match(query: Search) -> str:
    """Return a query as PostgreSQL's `tsquery`; every word in it is quoted."""
    parts = [" | ".join(f"':{word}'" for word in _words_of_query(query))]
    if query.sender:
        parts.append(f"':{_sender_word(query.sender)}'")
    for word in query.words:
        # As in a node's own index: too many words begin with a given letter.
        end = ":*" if len(word) > 1 else ""
        parts += [f"'{run}'{end}" for run in words_of_text(word)]
    return " & ".join(f"({part})" for part in _some(parts))


def _some(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part]


def _words_of_query(query: Search) -> list[str]:
    """Return what stands for the places of a query, of which a row must have one."""
    places = [_place(excerpt.conversation) for excerpt in query.conversations]
    return places + [_owner(owner.identity) for owner in query.owners]


def _words_of_conversation(conversation: str) -> list[str]:
    """Return what stands for a conversation and its owner."""
    if not conversation.startswith("d:"):
        return [_place(conversation)]
    owner = conversation[2:].rpartition(" ")[0]
    return [_place(conversation), _owner(owner)]


def _place(conversation: str) -> str:
    return f"c{_hash(conversation)}"


def _owner(identity: str) -> str:
    return f"o{_hash(identity)}"


def _sender_word(nick: str) -> str:
    """Return what stands for a sender."""
    return f"s{_hash(fold_nick(nick))}"


@lru_cache(maxsize=4096)
def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
