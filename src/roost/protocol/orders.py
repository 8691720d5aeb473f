"""What an operator's command and a balancer say to each other, over the port of the trunks.

operator  --  Order -->   balancer       as many as it likes
operator  <-- Answer --   balancer       one for each, in order
"""

from collections.abc import Callable

import msgspec

from roost.protocol.codec import make_decoder

PROTOCOL_VERSION = 1


class Order(msgspec.Struct, frozen=True, array_like=True, tag=201):
    """Have a node drained, or serve again; or just ask how it is."""

    protocol: int
    node: str
    is_drained: bool | None
    """What the node is to be; None leaves it as it is."""


class Answer(msgspec.Struct, frozen=True, array_like=True, tag=202, kw_only=True):
    """How the node is, as the balancer knows it; an order takes effect after its answer."""

    problem: str = ""
    """Why the order could not be passed on, in words for people; empty when it was."""
    state: str = ""
    reason: str = ""
    sessions: int = 0
    """Clients that the node serves, of all balancers."""
    others_ready: int = 0
    """Other nodes that can take clients."""


encode: Callable[[Order | Answer], bytes] = msgspec.msgpack.Encoder().encode
decode_order: Callable[[bytes], Order] = make_decoder(Order)
decode_answer: Callable[[bytes], Answer] = make_decoder(Answer)
