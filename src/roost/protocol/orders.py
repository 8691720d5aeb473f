"""What an operator's command and a balancer say to each other, over the port of the trunks.

operator  --  Order -->   balancer       as many as it likes
operator  <-- Answer --   balancer       one for each, in order
"""

import msgspec

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


_encoder = msgspec.msgpack.Encoder()
_order: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_answer: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def encode(frame: Order | Answer) -> bytes:
    """Make a frame's body, without its length."""
    return _encoder.encode(frame)


def decode_order(body: bytes) -> Order:
    """Read what an operator sent.

    Raises:
        msgspec.MsgspecError: the body is no order of this version.
    """
    return _order.decode(body)


def decode_answer(body: bytes) -> Answer:
    """Read what a balancer answered.

    Raises:
        msgspec.MsgspecError: the body is no answer of this version.
    """
    return _answer.decode(body)
