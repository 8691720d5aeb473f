"""Trunks over real sockets, with a recorder in place of the balancer."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.node.engine.inputs import (
    Input,
    TrunkConnected,
    TrunkDisconnected,
    TrunkFrameReceived,
)
from roost.node.trunks import Trunks
from roost.ops.pulse import Pulse
from roost.protocol import trunk as frames
from roost.protocol.trunk import (
    Detach,
    FromBalancer,
    Hello,
    Neighbour,
    Neighbours,
    Ping,
    Pong,
    Refusal,
    Welcome,
)
from roost.wire import admit, client_context, serve, server_context
from roost.wire.identity import Role
from support.credentials import issue
from support.loops import pass_turns, run, wait_until
from support.recorders import Recorder, Side

HELLO = Hello(1, "test", "n1", "0.1", 99, "127.0.0.1:7", 1)


class Events:
    """Records what the trunks tell their node."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.frames: list[tuple[str, FromBalancer]] = []
        self.neighbours: list[tuple[Neighbour, ...]] = []

    def tell(self, event: Input) -> None:
        match event:
            case TrunkConnected(welcome):
                self.story.append(f"+{welcome.name} {welcome.incarnation}")
            case TrunkDisconnected(balancer):
                self.story.append(f"-{balancer}")
            case TrunkFrameReceived(balancer, frame):
                self.frames.append((balancer, frame))
            case _:
                raise AssertionError(f"trunks do not tell {event}")

    def make_trunks(self, addresses: tuple[str, ...], directory: Path) -> Trunks:
        """Make a node's trunks to balancers."""
        return Trunks(
            "test",
            addresses,
            self.tell,
            lambda: HELLO,
            self.neighbours.append,
            client_context(issue(directory, "n1")),
            lambda: 0.0,
            lambda: 300,
            Pulse(),
        )


def welcome(
    name: str = "b1",
    cluster: str = "test",
    protocol: int = frames.PROTOCOL_VERSION,
    neighbours: tuple[Neighbour, ...] = (),
) -> bytes:
    return frames.encode(Welcome(protocol, cluster, name, 12, neighbours))


class Balancer:
    """A listening recorder, and a node's trunks to it."""

    def __init__(self, side: Side, events: Events, trunks: Trunks) -> None:
        self.side = side
        self.events = events
        self.trunks = trunks

    @property
    def last(self) -> Recorder:
        return self.side.handlers[-1]

    def say(self, *bodies: bytes) -> None:
        self.last.connection.send_many(bodies)


@contextlib.asynccontextmanager
async def balancer(
    directory: Path, name: str = "b1", role: Role = "balancer"
) -> AsyncIterator[Balancer]:
    side, events = Side(), Events()
    context = server_context(issue(directory, name, role))
    async with serve("127.0.0.1", 0, context, side, admit("test", "node")) as listener:
        address = f"127.0.0.1:{listener.port}"
        trunks = events.make_trunks((address,), directory)
        async with trunks.open():
            if role == "balancer":
                await wait_until(lambda: side.handlers and side.handlers[0].bodies)
            yield Balancer(side, events, trunks)


def test_a_node_announces_itself_and_is_welcomed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            assert frames.decode_from_node(b1.last.bodies[0]) == HELLO
            assert b1.events.story == []
            neighbours = (Neighbour("n2", "127.0.0.1:8"),)
            b1.say(welcome(neighbours=neighbours))
            await wait_until(lambda: b1.events.story)
            assert b1.events.story == ["+b1 12"]
            assert b1.events.neighbours == [neighbours]
            assert b1.trunks.linked == ("b1",)

    run(scenario())


def test_frames_go_both_ways_and_neighbours_are_passed_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            detach = Detach(1, 1, "gone")
            neighbours = (Neighbour("n3", "127.0.0.1:9"),)
            b1.say(welcome(), frames.encode(detach), frames.encode(Neighbours(neighbours)))
            await wait_until(lambda: len(b1.events.neighbours) == 2)
            assert b1.events.frames == [("b1", detach)]
            assert b1.events.neighbours == [(), neighbours]
            b1.trunks.send("b1", [b"one", b"two"])
            b1.trunks.send("b2", [b"nobody"])
            await wait_until(lambda: len(b1.last.bodies) == 3)
            assert b1.last.bodies[1:] == [b"one", b"two"]

    run(scenario())


def test_a_probe_is_answered_at_once_and_kept_from_the_node(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            b1.say(welcome(), frames.encode(Ping(77)))
            await wait_until(lambda: len(b1.last.bodies) == 2)
            assert frames.decode_from_node(b1.last.bodies[1]) == Pong(77, 300)
            assert b1.events.frames == []

    run(scenario())


def test_a_lost_trunk_is_reported_and_dialled_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            b1.say(welcome())
            await wait_until(lambda: b1.events.story == ["+b1 12"])
            b1.last.connection.abort()
            await wait_until(lambda: len(b1.side.handlers) == 2)
            assert b1.events.story == ["+b1 12", "-b1"]
            b1.say(welcome())
            await wait_until(lambda: b1.events.story == ["+b1 12", "-b1", "+b1 12"])

    run(scenario())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (welcome(name="b2"), "calls itself 'b2'"),
        (welcome(cluster="other"), "cluster 'other'"),
        (welcome(protocol=9), "speaks version 9"),
        (frames.encode(Refusal("it is too old")), "it refuses this node: it is too old"),
        (frames.encode(Ping(1)), "did not greet first"),
        (frames.encode(HELLO), "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_balancer_that_breaks_the_handshake_is_dropped(
    tmp_path: Path, body: bytes, reason: str
) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            first = b1.last
            b1.say(body)
            await wait_until(lambda: first.reasons and logs)
            assert b1.events.story == []
            assert b1.events.neighbours == []

    with capture_logs() as logs:
        run(scenario())
    assert reason in logs[0]["reason"]
    assert logs[0]["peer"] == "roost://test/balancer/b1"


@pytest.mark.parametrize("body", [b"\xc1", welcome()])
def test_a_balancer_that_breaks_the_protocol_later_is_dropped(tmp_path: Path, body: bytes) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            first = b1.last
            b1.say(welcome(), body)
            await wait_until(lambda: first.reasons)
            await wait_until(lambda: b1.events.story == ["+b1 12", "-b1"])

    run(scenario())


def test_who_is_no_balancer_is_refused_without_effect(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path, "n2", "node") as pretender:
            await wait_until(lambda: logs)
            assert pretender.events.story == []
            assert all(handler.bodies == [] for handler in pretender.side.handlers)

    with capture_logs() as logs:
        run(scenario())
    assert logs[0]["event"] == "peer-refused"
    assert logs[0]["reason"] == "it is a node, a balancer is wanted here"


def test_a_second_address_of_one_balancer_gives_no_second_trunk(tmp_path: Path) -> None:
    async def scenario() -> None:
        side, events = Side(), Events()
        context = server_context(issue(tmp_path, "b1", "balancer"))
        async with serve("127.0.0.1", 0, context, side, admit("test", "node")) as listener:
            addresses = (f"127.0.0.1:{listener.port}", f"localhost:{listener.port}")
            trunks = events.make_trunks(addresses, tmp_path)
            async with trunks.open():
                await wait_until(lambda: len(side.handlers) == 2)
                first, second = side.handlers
                first.connection.send(welcome())
                await wait_until(lambda: events.story)
                second.connection.send(welcome())
                await wait_until(lambda: second.reasons)
                told = frames.decode_from_node(second.bodies[-1])
                assert told == frames.refusal("there is a link to 'b1' already")
                assert events.story == ["+b1 12"]
                assert trunks.linked == ("b1",)

    run(scenario())


def test_a_balancer_that_does_not_read_is_known_until_it_reads_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with balancer(tmp_path) as b1:
            b1.say(welcome())
            await wait_until(lambda: b1.events.story)
            transport = b1.last.connection._transport
            assert transport is not None
            transport.pause_reading()
            body = bytes(1024 * 1024)
            for _ in range(32):
                b1.trunks.send("b1", [body])
            # The system's own buffers are not counted, and are smaller.
            await pass_turns()
            assert b1.trunks.congested() == {"b1"}
            received = len(b1.last.bodies)
            transport.resume_reading()
            await wait_until(lambda: not b1.trunks.congested())
            await wait_until(lambda: len(b1.last.bodies) == received + 32)

    run(scenario())
