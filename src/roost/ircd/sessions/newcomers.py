"""Connections that have not registered yet: only the nodes that serve them know of them."""

import msgspec

from roost.chat.ids import SessionId


class Newcomers(msgspec.Struct):
    """Counts them, here and on the other nodes."""

    here: dict[SessionId, None] = {}
    """Those of this node."""
    proof: bytes = b""
    """A keyed digest of the server password that was right last; see `commands.pass_`."""
    elsewhere: int = 0
    """How many the other nodes have, as they said last."""

    @property
    def count(self) -> int:
        """The number of them on all nodes."""
        return len(self.here) + self.elsewhere
