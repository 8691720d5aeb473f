"""The trunks: one link to each balancer, dialled by the node.

    node                                  balancer
      | ---- Hello ---------------------> |
      | <--- Welcome -------------------- |     the trunk is up
      | <--- Ping ----- Pong -----------> |     answered here, at once
      | <--- Attach, Lines, Detach ------ |
      | ---- Status, Output ------------> |

A probe measures whether this process's event loop turns, so nothing may come between it and its
answer. The balancers say which nodes exist, and the node tells the mesh.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable

import structlog

from roost.node.engine.backoff import TRUNK_PACE
from roost.node.engine.inputs import (
    Input,
    TrunkConnected,
    TrunkDisconnected,
    TrunkFrameReceived,
)
from roost.node.links import Link, LinkRules, Links
from roost.ops.pulse import Pulse
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    Batch,
    FromBalancer,
    Hello,
    Neighbour,
    Neighbours,
    NewCertificate,
    Ping,
    Pong,
    Refusal,
    Welcome,
    decode_from_balancer,
    encode,
    refusal,
)
from roost.wire import admit

_logger = structlog.get_logger()

SILENT_BEATS_MAX = 50
"""Ten seconds: many probes of a balancer. One that stops probing is gone with its clients, and
dialling it again is all that can be done."""
_RULES = LinkRules(
    protocol=PROTOCOL_VERSION,
    decode=decode_from_balancer,
    greeting_type=Welcome,
    silent_beats_max=SILENT_BEATS_MAX,
    is_replaced=False,
)


class Trunks(Links[FromBalancer, Welcome]):
    """All trunks of one node."""

    def __init__(
        self,
        cluster: str,
        addresses: tuple[str, ...],
        tell: Callable[[Input], None],
        hello: Callable[[], Hello],
        learn: Callable[[tuple[Neighbour, ...]], None],
        context: ssl.SSLContext,
        random: Callable[[], float],
        certificate_days: Callable[[], int],
        pulse: Pulse,
        renew: Callable[[bytes], str] = lambda _certificate: "",
    ) -> None:
        """`tell` reports what happens, `hello` makes the greeting, `learn` is given the nodes.

        `certificate_days` returns the days until this node's certificate expires; `renew` is given
        what claims to be a renewed one, and returns why it is not.
        """
        super().__init__(_RULES, cluster, pulse, context, random)
        self._admission = admit(cluster, "balancer")
        self._addresses = addresses
        self._tell = tell
        self._hello = hello
        self._learn = learn
        self._certificate_days = certificate_days
        self._renew = renew

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Dial while the context lasts."""
        async with self._alive():
            for address in dict.fromkeys(self._addresses):
                self._dial(address, self._admission, TRUNK_PACE)
            yield

    # What this kind of link does

    def greeting(self) -> bytes:
        return encode(self._hello())

    def link_up(self, link: Link, greeting: Welcome) -> None:
        _logger.info("balancer-connected", balancer=link.name, address=link.connection.address)
        self._tell(TrunkConnected(greeting))
        self._learn(greeting.neighbours)

    def link_down(self, link: Link, reason: str) -> None:
        _logger.info("balancer-disconnected", balancer=link.name, reason=reason)
        self._tell(TrunkDisconnected(link.name))

    def receive(self, link: Link, frame: FromBalancer) -> None:
        if type(frame) is Batch:
            # What most are, so they are not tried for anything else.
            self._tell(TrunkFrameReceived(link.name, frame))
            return
        match frame:
            case Ping(nonce):
                link.connection.send(encode(Pong(nonce, self._certificate_days())))
            case Neighbours(neighbours):
                self._learn(neighbours)
            case NewCertificate(certificate):
                self._renew(certificate)
            case _:
                self._tell(TrunkFrameReceived(link.name, frame))

    def refuse(self, link: Link, reason: str) -> None:
        """Tell the balancer why, so that its administrator learns of it."""
        link.connection.send(encode(refusal(reason)))
        link.connection.close(reason)

    def refusal_in(self, link: Link, frame: FromBalancer) -> str:
        del link
        return f"it refuses this node: {frame.reason}" if isinstance(frame, Refusal) else ""

    def beat(self, link: Link) -> None:
        """Send nothing: the balancer probes, and the node answers."""
