"""Real links of a node between recorders, and neighbours that a test plays."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from roost.node.engine.inputs import (
    ClockMeasured,
    Input,
    PeerConnected,
    PeerDisconnected,
    PeerFrameReceived,
    PeerRefused,
    RoundTripMeasured,
)
from roost.node.mesh import Mesh, MeshConfig
from roost.ops.pulse import Pulse
from roost.protocol import mesh
from roost.protocol.greeting import Range
from roost.protocol.mesh import PeerFrame, PeerHello
from roost.wire import admit, client_context, connect, server_context
from roost.wire.identity import Role
from support.credentials import issue
from support.recorders import Recorder, Side

MEMBERS = ("n1", "n2", "n3")


class Events:
    """Records what a mesh tells its node."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.frames: list[tuple[str, PeerFrame]] = []
        self.round_trips: dict[str, float] = {}
        self.clocks: dict[str, ClockMeasured] = {}

    def tell(self, event: Input) -> None:
        match event:
            case PeerConnected(peer):
                self.story.append(f"+{peer}")
            case PeerDisconnected(peer):
                self.story.append(f"-{peer}")
            case PeerFrameReceived(peer, frame):
                self.frames.append((peer, frame))
            case RoundTripMeasured(peer, milliseconds):
                self.round_trips[peer] = milliseconds
            case ClockMeasured(peer):
                self.clocks[peer] = event
            case PeerRefused(peer, version) if version:
                self.story.append(f"{peer} needs version {version}")
            case PeerRefused(peer):
                self.story.append(f"removed by {peer}")
            case _:
                raise AssertionError(f"a mesh does not tell {event}")


def make_mesh(
    directory: Path,
    name: str,
    *,
    port: int = 0,
    heartbeat_s: float = 0.02,
    addresses: dict[str, str] | None = None,
    speaks: Range = (1, 2),
) -> tuple[Mesh, Events]:
    credentials = issue(directory, name)
    events = Events()
    config = MeshConfig(
        cluster="test",
        name=name,
        members=MEMBERS,
        version="1",
        host="127.0.0.1",
        port=port,
        addresses=addresses or {},
        remembered=directory / f"{name}-neighbours.json",
        speaks=speaks,
    )
    contexts = server_context(credentials), client_context(credentials)
    pulse = Pulse(heartbeat_s)
    return Mesh(config, events.tell, lambda: 7, *contexts, lambda: 0.0, pulse), events


@contextlib.asynccontextmanager
async def one_node(
    directory: Path, name: str = "n2", heartbeat_s: float = 0.02
) -> AsyncIterator[tuple[Mesh, Events]]:
    node, events = make_mesh(directory, name, heartbeat_s=heartbeat_s)
    async with node.open():
        yield node, events


async def pose_as(
    directory: Path, name: str, node: Mesh, frames: list[bytes], role: Role = "node"
) -> Recorder:
    """Connect to a node with a certificate of our own, and send something."""
    side = Side()
    connection = await connect(
        "127.0.0.1",
        node.port,
        client_context(issue(directory, name, role)),
        side,
        admit("test", "node"),
    )
    connection.send_many(frames)
    return side.handlers[0]


def greeting(name: str, cluster: str = "test", protocol: int = mesh.PROTOCOL_VERSION) -> bytes:
    return mesh.encode(PeerHello(protocol, cluster, name, "1", 0))


def heard(recorder: Recorder) -> list[PeerFrame]:
    return [mesh.decode(body) for body in recorder.bodies]
