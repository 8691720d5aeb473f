"""The names by which objects of the chat state refer to each other.

Every id is a number that the log hands out (the position of the entry that made the object), so
that all nodes choose the same one; a session's is chosen by its balancer. A folded name is a type
of its own: only folded names are compared.
"""

from typing import NewType

Position = NewType("Position", int)
"""An index of the replicated log; the first entry has 1."""
UserId = NewType("UserId", int)
"""The position of the entry that brought the user online."""
RoomId = NewType("RoomId", int)
"""`position * 64 + part` of the operation that made the room."""
SessionId = NewType("SessionId", int)
"""`incarnation << 27 | counter`, chosen by the balancer that holds the client's connection."""
FoldedNick = NewType("FoldedNick", str)
FoldedRoom = NewType("FoldedRoom", str)

SESSION_COUNTER_BITS = 27


def incarnation_of(session: SessionId) -> int:
    """Tell which run of which balancer a session belongs to."""
    return session >> SESSION_COUNTER_BITS


def message_id(position: Position, part: int) -> str:
    """Name a message: the same on every node, live and in history.

    The result sorts like (position, part) and needs no escaping in a tag's value.
    """
    return f"{position:011x}-{part:02x}"


def parse_message_id(text: str) -> tuple[Position, int] | None:
    """Undo `message_id`; None when `text` is not one of ours."""
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
