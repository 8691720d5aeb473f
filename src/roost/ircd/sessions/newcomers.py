"""Connections that have not registered yet, which only their nodes know; and counts of users."""

import msgspec

from roost.chat.ids import SessionId


class Newcomers(msgspec.Struct):
    """Counts them, here and on the other nodes; also keeps what LUSERS says of users."""

    here: dict[SessionId, None] = {}
    """Those of this node."""
    proof: bytes = b""
    """A keyed digest of the server password that was right last; see `commands.pass_`."""
    elsewhere: int = 0
    """How many the other nodes have, as they said last."""
    counts: tuple[int, int] = (0, 0)
    """Invisible users and operators, as they were counted last."""
    counted_until: float = 0.0
    """When to count them again."""

    @property
    def count(self) -> int:
        """The number of them on all nodes."""
        return len(self.here) + self.elsewhere
