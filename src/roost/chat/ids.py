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
"""`incarnation << 27 | counter`; the balancer that holds the client's connection counts.

An *incarnation* is the number that the log gives to one run of one balancer."""
AccountId = NewType("AccountId", int)
"""The position of the entry that registered the account."""
FoldedAccount = NewType("FoldedAccount", str)
FoldedNick = NewType("FoldedNick", str)
FoldedRoom = NewType("FoldedRoom", str)

SESSION_COUNTER_BITS = 27
"""They leave 37 bits to the incarnation. Balancers once chose theirs by the clock, up to 2**34; the
log counts on from there."""


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
