"""The frames between an operator's command and a balancer, on the port of the trunks.

operator  --  Order -->   balancer       any number
operator  <-- Answer --   balancer       one for each order, in order
"""

from collections.abc import Callable

import msgspec

from roost.protocol.codec import make_decoder

PROTOCOL_VERSION = 1


class Order(msgspec.Struct, frozen=True, array_like=True, tag=201):
    """Drain a node, let it serve again, or only ask for its state."""

    protocol: int
    node: str
    is_drained: bool | None
    """The state to put the node in; None leaves it as it is."""


class Answer(msgspec.Struct, frozen=True, array_like=True, tag=202, kw_only=True):
    """The node's state as the balancer knows it; an order takes effect after its answer."""

    problem: str = ""
    """Why the order was not passed on, in words for people; empty when it was."""
    state: str = ""
    reason: str = ""
    sessions: int = 0
    """Clients that the node serves, of all balancers."""
    others_ready: int = 0
    """Other nodes that can take clients."""


encode: Callable[[Order | Answer], bytes] = msgspec.msgpack.Encoder().encode
decode_order: Callable[[bytes], Order] = make_decoder(Order)
decode_answer: Callable[[bytes], Answer] = make_decoder(Answer)
