"""The frames between a node and a command on its own machine, through a socket in its directory.

command  --  CopyAsk   -->  node      once
command  <-- CopyHead  --   node      what the copy is of
command  <-- CopyState --   node      at least one: the encoded chat state, in parts
command  <-- CopyRows  --   node      any number: the history, in order
command  <-- CopyDone  --   node
command  <-- LocalRefusal   node      instead of any of these: why there is no more

Who may open the socket is the file system's business: the directory belongs to the node's user.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.history import Row
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.protocol.codec import make_decoder

SOCKET_FILE = "node.sock"
"""Where a node listens, in its data directory."""
PROTOCOL_VERSION = 1


class _Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class CopyAsk(_Frame, frozen=True, tag=301):
    """Send the state as it is now, and the history that leads to it, after a position."""

    protocol: int
    after: Position = Position(0)


class CopyHead(_Frame, frozen=True, tag=302, kw_only=True):
    """What is sent: a state, and all history rows up to its position."""

    cluster: str
    node: str
    version: str
    position: Position
    time_ms: int
    terms: tuple[tuple[Position, int], ...]
    """The terms of the log's entries, each with its first position; 0 for an unknown one."""
    first: Position
    """From where on this node holds history."""
    first_ms: int
    """Rows before `first` are not newer than this."""
    holes: tuple[Hole, ...]
    """What nobody keeps any more."""
    has_archive: bool
    """Whether an archive has what is before `first`."""


class CopyRows(_Frame, frozen=True, tag=303):
    """The rows of the next positions, up to `covered`."""

    rows: tuple[Row, ...]
    covered: Position


class CopyState(_Frame, frozen=True, tag=304):
    """The next part of the encoded state."""

    data: bytes


class CopyDone(_Frame, frozen=True, tag=305):
    """All was sent."""


class LocalRefusal(_Frame, frozen=True, tag=306):
    """The node cannot do that, or not to the end."""

    reason: str


LocalAsk: TypeAlias = CopyAsk
LocalAnswer: TypeAlias = CopyHead | CopyRows | CopyState | CopyDone | LocalRefusal

encode = msgspec.msgpack.Encoder().encode
decode_ask: Callable[[bytes], LocalAsk] = make_decoder(LocalAsk)
decode_answer: Callable[[bytes], LocalAnswer] = make_decoder(LocalAnswer)
