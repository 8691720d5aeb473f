"""The frames of operators' commands and of machines that join, on the port of the trunks.

operator  --  Order -->             balancer       any number
operator  <-- Answer --             balancer       one for each order, in order
operator  --  RenewOrder -->        balancer       answered like an `Order`
operator  --  AdministerOrder -->   balancer       changes the cluster, through the log
newcomer  --  RedeemOrder -->       balancer       asks for what its token was issued for
          <-- AdministerAnswer --   balancer       one for each, when the log has it
"""

from collections.abc import Callable

import msgspec

from roost.chat.commands.administration import Administration
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
    certificate_days: int | None = None
    """The days until the node's certificate expires, as it told last; None if it has not."""


class AdministerOrder(msgspec.Struct, frozen=True, array_like=True, tag=203):
    """Change the cluster; a request that is repeated under the same id takes effect once."""

    protocol: int
    request: str
    """Drawn at random."""
    operation: Administration


class RenewOrder(msgspec.Struct, frozen=True, array_like=True, tag=206):
    """Use a renewed certificate, or pass it on to a node; the balancer answers an `Answer`."""

    protocol: int
    node: str
    """The process that it is for: a node, or this balancer."""
    certificate: bytes
    """In PEM form."""
    is_for_clients: bool = False
    """Whether it is what the balancer shows to its clients, and not to nodes."""


class RedeemOrder(msgspec.Struct, frozen=True, array_like=True, tag=204):
    """Take what the token was issued for whose id is in the certificate."""

    protocol: int
    request: str
    claim: str
    """The SHA-256 hash of what the machine drew at random, in hexadecimal."""


class AdministerAnswer(msgspec.Struct, frozen=True, array_like=True, tag=205):
    """How a request ended."""

    problem: str = ""
    """Why it was not carried out, in words for people; empty when it was."""
    data: bytes = b""
    """What a token was redeemed for."""
    is_unsettled: bool = False
    """Nobody knows whether it was carried out or will be; repeat it under the same id."""


encode: Callable[
    [Order | Answer | AdministerOrder | RenewOrder | RedeemOrder | AdministerAnswer], bytes
] = msgspec.msgpack.Encoder().encode
decode_order: Callable[[bytes], Order | AdministerOrder | RenewOrder] = make_decoder(
    Order | AdministerOrder | RenewOrder
)
decode_answer: Callable[[bytes], Answer] = make_decoder(Answer)
decode_redeem: Callable[[bytes], RedeemOrder] = make_decoder(RedeemOrder)
decode_administer_answer: Callable[[bytes], AdministerAnswer] = make_decoder(AdministerAnswer)


def is_unknown_request(body: bytes) -> bool:
    """Return whether a frame that cannot be read is a request of a newer release."""
    try:
        order = msgspec.msgpack.decode(body)
    except (msgspec.MsgspecError, ValueError):
        return False
    return isinstance(order, list) and order[:1] == [AdministerOrder.__struct_config__.tag]
