"""The ids by which objects of the chat state refer to each other.

An id comes from the position of the entry that made the object, so that all nodes choose the same
one; a session's id is chosen by its balancer. Folded names have types of their own, because only
folded names may be compared.
"""

from typing import NewType

Position = NewType("Position", int)
"""An index of the replicated log; the first entry has 1."""
UserId = NewType("UserId", int)
"""The position of the entry that brought the user online."""
RoomId = NewType("RoomId", int)
"""`position * 64 + part` of the operation that made the room."""
SessionId = NewType("SessionId", int)
"""`incarnation << 27 | counter`, chosen by the balancer that holds the client's connection.

An *incarnation* is one run of one balancer; see `incarnation_at`."""
AccountId = NewType("AccountId", int)
"""The position of the entry that registered the account."""
FoldedAccount = NewType("FoldedAccount", str)
FoldedNick = NewType("FoldedNick", str)
FoldedRoom = NewType("FoldedRoom", str)

SESSION_COUNTER_BITS = 27
INCARNATION_NAME_BITS = 4
"""With 33 bits of time, which last until 2051, and the counter, they fill 64 bits."""

_EPOCH_MS = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""


def incarnation_at(wall_ms: int, balancer: str) -> int:
    """Return the incarnation of a balancer that starts at a moment.

    The upper bits are tenths of a second since 2024, so that it grows from run to run. The lower
    four come from the name, so that balancers which start together differ: up to sixteen names
    that end in consecutive numbers (b1, b2, ...) do. If two balancers still choose the same
    incarnation, the state machine refuses the second one (`chat.balancers.balancer_started`), and
    nodes drop their trunks to it and log why until it is restarted.
    """
    tenths = max(1, (wall_ms - _EPOCH_MS) // 100)
    prefix = balancer.rstrip("0123456789")
    number = int(balancer[len(prefix) :] or "0")
    slot = (sum(prefix.encode()) + number) % (1 << INCARNATION_NAME_BITS)
    return tenths << INCARNATION_NAME_BITS | slot


def incarnation_of(session: SessionId) -> int:
    """Return the run of a balancer that a session belongs to."""
    return session >> SESSION_COUNTER_BITS


def message_id(position: Position, part: int) -> str:
    """Return a message's id, which is equal on every node, live and in history.

    Ids sort like (position, part) and need no escaping in a tag's value.
    """
    return f"{position:011x}-{part:02x}"


def parse_message_id(text: str) -> tuple[Position, int] | None:
    """Parse a `message_id`; return None if `text` is not one of ours."""
    head, dash, tail = text.partition("-")
    if len(head) < 11 or len(tail) < 2 or not dash:
        return None
    try:
        position, part = int(head, 16), int(tail, 16)
    except ValueError:
        return None
    if message_id(Position(position), part) != text:
        return None
    return Position(position), part
