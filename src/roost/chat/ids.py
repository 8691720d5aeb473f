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
"""`incarnation << 27 | counter`, chosen by the balancer that holds the client's connection.

An *incarnation* is one run of one balancer: see `incarnation_at`."""
AccountId = NewType("AccountId", int)
"""The position of the entry that registered the account."""
FoldedAccount = NewType("FoldedAccount", str)
FoldedNick = NewType("FoldedNick", str)
FoldedRoom = NewType("FoldedRoom", str)

SESSION_COUNTER_BITS = 27
INCARNATION_NAME_BITS = 4
"""With 33 bits of time and the counter they fill 64 bits; that lasts until 2051."""

_EPOCH_MS = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""


def incarnation_at(wall_ms: int, balancer: str) -> int:
    """Name a balancer's run by the moment when it starts, and by the balancer's name.

    Tenths of a second since 2024, so that it grows from run to run, and below them four bits
    that the name decides, so that balancers which are started together do not choose alike: names
    that end in numbers, as in b1, b2, ..., differ in these bits up to sixteen of them. Should two
    balancers choose alike all the same, the state machine knows the second one's incarnation for
    another's (`chat.balancers.balancer_started`) and opens no session of its; nodes then give up
    their trunks to it, and say so, until it is started anew.
    """
    tenths = max(1, (wall_ms - _EPOCH_MS) // 100)
    prefix = balancer.rstrip("0123456789")
    number = int(balancer[len(prefix) :] or "0")
    slot = (sum(prefix.encode()) + number) % (1 << INCARNATION_NAME_BITS)
    return tenths << INCARNATION_NAME_BITS | slot


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
