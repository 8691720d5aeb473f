"""The engine of an earlier release, in a simulation of this one.

Frames pass between the two as bytes, as they do in reality; see `support.former` for the rest.
"""

from collections.abc import Callable
from typing import Any

from roost.instant import Instant
from roost.node.engine import inputs
from roost.node.engine.config import EngineConfig
from roost.node.engine.effects import (
    Effect,
    HistoryState,
    MakeSnapshot,
    SendToBalancers,
    SendToPeers,
)
from roost.protocol import mesh, trunk
from roost.protocol.trunk import Status
from roost.raft.messages import Stored
from support.former import former, translate


class FormerEngine:
    """An engine of version 1 that takes inputs and gives effects of this release."""

    def __init__(
        self,
        config: EngineConfig,
        stored: Stored,
        history: HistoryState,
        random: Callable[[], float],
        now: Instant,
    ) -> None:
        config = translate(config)
        self._engine = former("node.engine.engine").Engine(
            config,
            former("log").EmbeddedLog(config.raft, translate(stored), random, translate(now)),
            translate(history),
            random,
            translate(now),
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def receive(self, event: inputs.Input, now: Instant) -> None:
        """Take an input."""
        self._engine.receive(self._input(event), translate(now))

    def _input(self, event: inputs.Input) -> Any:
        theirs = former("node.engine.inputs")
        match event:
            case inputs.PeerFrameReceived(peer, frame):
                return theirs.PeerFrameReceived(
                    peer, former("protocol.mesh").decode(mesh.encode(frame))
                )
            case inputs.TrunkFrameReceived(balancer, sent):
                return theirs.TrunkFrameReceived(balancer, _to_former_node(sent))
            case inputs.TrunkConnected(welcome):
                return theirs.TrunkConnected(_to_former_node(welcome))
            case _:
                return translate(event)

    def take_effects(self) -> list[Effect]:
        """Return what is to be done."""
        return [self._effect(effect) for effect in self._engine.take_effects()]

    def _effect(self, effect: Any) -> Any:
        match type(effect).__name__:
            case "SendToPeers":
                encode = former("protocol.mesh").encode
                return SendToPeers(
                    tuple((peer, mesh.decode(encode(frame))) for peer, frame in effect.frames)
                )
            case "SendToBalancers":
                return SendToBalancers(
                    tuple((name, _from_former_node(frame)) for name, frame in effect.frames)
                )
            case "MakeSnapshot":
                return MakeSnapshot(effect.position, effect.state, effect.is_in_place)
            case _:
                return translate(effect)

    def status(self) -> Status:
        """Return what it tells balancers."""
        status = _from_former_node(self._engine.status())
        assert isinstance(status, Status)
        return status


def _to_former_node(frame: Any) -> Any:
    return former("protocol.trunk").decode_from_balancer(trunk.encode(frame))


def _from_former_node(frame: Any) -> Any:
    return trunk.decode_from_node(former("protocol.trunk").encode(frame))


def encode_former_state(state: Any, part_items: int) -> bytes:
    """Encode a state of version 1 as that release does."""
    data: bytes = former("chat.snapshot").encode_state(state, part_items)
    return data
