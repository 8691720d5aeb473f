"""What the index for searching is made of.

    chapter      the words of the messages of 16,384 positions, message by message. They are read in
                 blocks of 1,024 positions, and stored in 64 buckets, by conversation, because most
                 searches need few of them.
    vocabulary   the different words of a chapter, or of 16 vocabularies

A query is a few short pieces of bytes, *needles*, which a message must all have: the beginning of a
word, or a whole sender. A vocabulary that lacks one of them saves the search everything below.

    message      newline @sender newline word newline word newline
    vocabulary   newline word newline @sender newline :conversation newline
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from zlib import crc32

import msgspec

from roost.chat.history import KIND_MESSAGE, POSITION_MAX, Row, Search
from roost.chat.words import lines_of_words, words_of_text
from roost.irc.casemapping import fold_nick

BLOCK_BITS = 10
"""How many bits of a position do not matter for a block, which takes some 3 ms to read."""
CHAPTER_BITS = 14
"""The same for a chapter, which takes some 10 ms to store."""
BUCKETS = 64
RECENT_MAX = 16_384
"""Messages in memory that are to be indexed, some 5 MB; what is before is read."""
VOCABULARY_MAX = 100_000
"""Different words in a vocabulary, which takes about 20 ms to make. One that would have more is
left out; then a search looks at what is below."""
VOCABULARY_BYTES_MAX = 2 * 1024 * 1024
"""The same in bytes, for those who write long words."""
_BETWEEN = b"\r"
"""Stands between messages: `bytes.split` takes it for white space, and no line has it."""


Message: TypeAlias = tuple[str, int, int, bytes]
"""Conversation, position, part and record of a message to index. They may be damaged."""


class Place(NamedTuple):
    """Where a message is."""

    position: int
    part: int
    conversation: str


class _Source(msgspec.Struct, frozen=True, array_like=True, gc=False):
    user: int
    nick: str


class _Said(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """What the index reads of a `Said`: the same places, as far as they are needed."""

    part: int
    source: _Source
    verb: msgspec.Raw
    room: int
    recipient: int
    target: msgspec.Raw
    minimum_status: int
    text: str


class _Group(msgspec.Struct, array_like=True, gc=False):
    """The messages of one conversation in a chapter, in order."""

    conversation: str
    offsets: list[int]
    """Of their positions from the chapter's first."""
    parts: list[int]
    lines: bytes
    """Their words."""


_decode = msgspec.msgpack.Decoder(_Said).decode
_encode_bucket = msgspec.msgpack.Encoder().encode
_decode_bucket = msgspec.msgpack.Decoder(list[_Group]).decode


def read_block(history: sqlite3.Connection, number: int) -> list[Message]:
    """Return the messages of a block in order, damaged ones included."""
    first = number << BLOCK_BITS
    return history.execute(
        "SELECT conversation, position, part, record FROM rows"
        " WHERE position BETWEEN ? AND ? AND kind = ? ORDER BY position",
        (first, first + (1 << BLOCK_BITS) - 1, KIND_MESSAGE),
    ).fetchall()


def next_row(history: sqlite3.Connection, first: int) -> int:
    """Return the first position from `first` on that has rows; `POSITION_MAX` if none has."""
    found = history.execute(
        "SELECT position FROM rows WHERE position >= ? ORDER BY position LIMIT 1", (first,)
    ).fetchone()
    return POSITION_MAX if found is None else int(found[0])


class Recent:
    """Messages that were just stored, so that they need not be read to be indexed."""

    def __init__(self) -> None:
        self._messages: deque[Row] = deque()
        self._first = 0
        """From this position on, all messages are here."""
        self._last = -1

    def clear(self) -> None:
        """Forget them."""
        self._messages.clear()
        self._first, self._last = 0, -1

    def clear_until(self, last: int) -> None:
        """Forget all if any of them may be at a position or before it."""
        if self._first <= last:
            self.clear()

    def extend(self, rows: Iterable[Row], after: int, applied: int) -> None:
        """Add the messages among all rows that were stored after a position, up to another."""
        if after != self._last or len(self._messages) > RECENT_MAX:
            self._messages.clear()
            self._first = after + 1
        self._messages.extend([row for row in rows if row.kind == KIND_MESSAGE])
        self._last = applied

    def cut(self, is_kept: Callable[[Place], bool]) -> None:
        """Take messages out of them."""
        self._messages = deque(
            row
            for row in self._messages
            if is_kept(Place(row.position, row.part, row.conversation))
        )

    def take_block(self, number: int) -> list[Message] | None:
        """Return the messages of a block, once; None if they have to be read."""
        first, end = number << BLOCK_BITS, (number + 1) << BLOCK_BITS
        if first < self._first or end > self._last + 1:
            return None
        while self._messages and self._messages[0].position < first:
            self._messages.popleft()
        taken: list[Message] = []
        while self._messages and self._messages[0].position < end:
            row = self._messages.popleft()
            taken.append((row.conversation, row.position, row.part, row.record))
        self._first = end
        return taken


class Chapter:
    """A chapter that is being made, block by block."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.blocks = 0
        """How many it has so far."""
        self._messages: dict[str, list[tuple[int, int, bytes]]] = {}
        """Offset, part and words, by conversation."""
        self._words: set[bytes] = set()
        self._senders: set[bytes] = set()

    @property
    def next_block(self) -> int:
        """The number of the block that is to be added next."""
        return (self.number << CHAPTER_BITS - BLOCK_BITS) + self.blocks

    @property
    def is_whole(self) -> bool:
        """Whether it has all blocks."""
        return self.blocks == 1 << CHAPTER_BITS - BLOCK_BITS

    def add(self, messages: Iterable[Message]) -> None:
        """Add a block. What cannot be read is left out, and comes in when its row is replaced."""
        self.blocks += 1
        first = self.number << CHAPTER_BITS
        added: list[bytes] = []
        for conversation, position, part, record in messages:
            try:
                said = _decode(record)
            except (msgspec.MsgspecError, TypeError):
                continue
            known = self._messages.get(conversation)
            if known is None:
                if not _is_name(conversation):
                    continue
                self._messages[conversation] = known = []
            if type(position) is int and type(part) is int:
                sender, words = _sender(said.source.nick), lines_of_words(said.text)
                known.append((position - first, part, sender + words + b"\n"))
                self._senders.add(sender)
                added.append(words)
        if len(self._words) <= VOCABULARY_MAX:
            self._words.update(b"\n".join(added).split())

    def cut(self, is_kept: Callable[[Place], bool]) -> None:
        """Take messages out of it."""
        first = self.number << CHAPTER_BITS
        for conversation, messages in self._messages.items():
            messages[:] = [
                message
                for message in messages
                if is_kept(Place(first + message[0], message[1], conversation))
            ]

    def vocabulary(self) -> bytes:
        """Return its vocabulary; empty if that is too large."""
        names = {b":" + conversation.encode() for conversation in self._messages}
        names.update(sender.strip() for sender in self._senders)
        return _vocabulary(self._words | names)

    def buckets(self) -> dict[int, bytes]:
        """Return what to store of its messages, by the numbers of the buckets."""
        buckets: dict[int, list[_Group]] = {}
        for conversation, messages in self._messages.items():
            if messages:
                group = _group(conversation, messages)
                buckets.setdefault(bucket_of(conversation), []).append(group)
        return {bucket: _encode_bucket(groups) for bucket, groups in buckets.items()}

    def find(self, sought: "Sought") -> list[Place]:
        """Return the places found in it, in no order."""
        first = self.number << CHAPTER_BITS
        return [
            place
            for conversation, messages in self._messages.items()
            if sought.is_in(conversation)
            for place in sought.places(conversation, messages, first)
        ]


def _group(conversation: str, messages: Sequence[tuple[int, int, bytes]]) -> _Group:
    offsets, parts, lines = zip(*messages, strict=True)
    return _Group(conversation, [*offsets], [*parts], _BETWEEN.join(lines))


def _messages(group: _Group) -> Iterable[tuple[int, int, bytes]]:
    return zip(group.offsets, group.parts, group.lines.split(_BETWEEN), strict=True)


def bucket_of(conversation: str) -> int:
    """Return in which bucket a conversation is; all private ones of an owner are in the same."""
    name = conversation
    if conversation.startswith("d:"):
        name = conversation.rpartition(" ")[0]
    return crc32(_encoded(name)) % BUCKETS


def cut(bucket: bytes, first: int, is_kept: Callable[[Place], bool]) -> bytes:
    """Return a bucket of the chapter that begins at a position without some of its messages.

    Raises:
        msgspec.MsgspecError: it is damaged.
    """
    left: list[_Group] = []
    for group in _decode_bucket(bucket):
        messages = [
            message
            for message in _messages(group)
            if is_kept(Place(first + message[0], message[1], group.conversation))
        ]
        if messages:
            left.append(_group(group.conversation, messages))
    return _encode_bucket(left)


def _is_name(conversation: object) -> bool:
    """Return whether something is a conversation, and not what damage made of one."""
    return isinstance(conversation, str) and not any(map(_is_surrogate, conversation))


def _is_surrogate(letter: str) -> bool:
    return "\ud800" <= letter <= "\udfff"


@lru_cache(maxsize=4096)
def _sender(nick: str) -> bytes:
    """Return a sender's line with the newlines around it."""
    return b"\n@%b\n" % fold_nick(nick).encode()


def vocabulary_of_vocabularies(vocabularies: Sequence[bytes]) -> bytes:
    """Return what some vocabularies have together; empty if it is too large, or one is empty."""
    if not all(vocabularies):
        return b""
    words: set[bytes] = set()
    for vocabulary in vocabularies:
        words.update(vocabulary[1:-1].split(b"\n"))
    return _vocabulary(words)


def _vocabulary(words: set[bytes]) -> bytes:
    if len(words) > VOCABULARY_MAX:
        return b""
    vocabulary = b"\n%b\n" % b"\n".join(words)
    return vocabulary if len(vocabulary) <= VOCABULARY_BYTES_MAX else b""


class Sought:
    """What a search looks for."""

    def __init__(self, query: Search) -> None:
        words = [word for text in query.words for word in words_of_text(text)]
        # Too many words begin with a given letter.
        needles = [f"\n{word}" if len(word) > 1 else f"\n{word}\n" for word in words]
        if query.sender:
            needles.append(f"\n@{query.sender}\n")
        self._needles = [*map(_encoded, dict.fromkeys(needles))]
        self._conversations = {excerpt.conversation for excerpt in query.conversations}
        self._owners = tuple(f"d:{owner.identity} " for owner in query.owners)
        places = [f"\n:{conversation}\n" for conversation in self._conversations]
        places += [f"\n:{owner}" for owner in self._owners]
        self._places = [*map(_encoded, places)]
        self.buckets = sorted({*map(bucket_of, (*self._conversations, *self._owners))})
        """Which buckets of a chapter to look at."""

    def may_be_under(self, vocabulary: bytes) -> bool:
        """Return whether messages that it looks for may be in what a vocabulary was made from."""
        if not all(needle in vocabulary for needle in self._needles):
            return False
        return any(place in vocabulary for place in self._places)

    def is_in(self, conversation: object) -> bool:
        """Return whether something, which may be damaged, is a conversation that is searched."""
        return conversation in self._conversations or (
            isinstance(conversation, str) and conversation.startswith(self._owners)
        )

    def find(self, bucket: bytes, first: int) -> list[Place]:
        """Return the places found in a bucket of the chapter that begins at a position, unordered.

        Raises:
            msgspec.MsgspecError: it is damaged.
        """
        if not self._has_all(bucket):
            return []
        return [
            place
            for group in _decode_bucket(bucket)
            if self.is_in(group.conversation) and self._has_all(group.lines)
            for place in self.places(group.conversation, _messages(group), first)
        ]

    def places(
        self, conversation: str, messages: Iterable[tuple[int, int, bytes]], first: int
    ) -> Iterator[Place]:
        """Yield the places of those messages (offset, part, words) that are found."""
        for offset, part, lines in messages:
            if self._has_all(lines):
                yield Place(first + offset, part, conversation)

    def _has_all(self, lines: bytes) -> bool:
        return all(needle in lines for needle in self._needles)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
