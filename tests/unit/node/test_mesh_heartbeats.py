"""Pings between neighbours: which frames they leave with, and what is measured by them."""

from pathlib import Path

from roost.node.mesh import LONE_BEATS, RIDING_BEATS
from roost.ops import clock
from roost.protocol import mesh
from roost.protocol.mesh import (
    Gossip,
    PeerHello,
    PeerPing,
    PeerPong,
)
from support.loops import run, wait_until
from support.meshes import greeting, heard, make_mesh, one_node, pose_as


def test_heartbeats_measure_round_trips_on_both_sides(tmp_path: Path) -> None:
    async def scenario() -> None:
        n2, events2 = make_mesh(tmp_path, "n2")
        async with n2.open():
            n1, events1 = make_mesh(tmp_path, "n1", addresses={"n2": f"127.0.0.1:{n2.port}"})
            async with n1.open():
                await wait_until(lambda: events1.round_trips and events2.round_trips)
                assert 0 < events1.round_trips["n2"] < 5000
                measured = events1.clocks["n2"]
                assert measured.sent <= measured.received <= clock.monotonic()
                assert abs(measured.wall_ms - clock.now().wall_ms) < 60_000
                assert events1.frames == []

    run(scenario())


def test_a_heartbeat_is_answered_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            frames = [greeting("n1"), mesh.encode(PeerPing(42))]
            neighbour = await pose_as(tmp_path, "n1", node, frames)
            await wait_until(lambda: len(neighbour.bodies) == 3)
            hello, ping, pong = heard(neighbour)
            assert (hello, ping) == (
                PeerHello(mesh.PROTOCOL_VERSION, "test", "n2", "1", 7, (1, 2)),
                PeerPing(1),
            )
            assert isinstance(pong, PeerPong)
            assert pong.nonce == 42
            assert abs(pong.wall_ms - clock.now().wall_ms) < 60_000
            assert events.frames == []

    run(scenario())


def test_a_ping_leaves_with_other_frames_and_with_the_answer_to_a_ping(tmp_path: Path) -> None:
    """Each frame that leaves alone wakes a process."""
    gossip = Gossip(())

    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, _):
            neighbour = await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: len(neighbour.bodies) == 2)
            for _ in range(RIDING_BEATS):
                node.send("n1", [mesh.encode(gossip)])
                node.beat_all()
            node.send("n1", [mesh.encode(gossip), mesh.encode(gossip)])
            await wait_until(lambda: len(neighbour.bodies) == 7)
            assert heard(neighbour)[1:] == [PeerPing(1), *[gossip] * 4, PeerPing(2)]
            node.beat_all()
            neighbour.connection.send(mesh.encode(PeerPing(1)))
            await wait_until(lambda: len(neighbour.bodies) == 9)
            assert heard(neighbour)[-1] == PeerPing(3)

    run(scenario())


def test_between_nodes_of_this_version_answers_wait_for_other_frames(tmp_path: Path) -> None:
    gossip = Gossip(())

    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, _):
            hello = PeerHello(mesh.PROTOCOL_VERSION, "test", "n1", "1", 0, (1, 2))
            frames = [mesh.encode(one) for one in (hello, PeerPing(1), PeerPing(2))]
            neighbour = await pose_as(tmp_path, "n1", node, frames)
            await wait_until(lambda: len(neighbour.bodies) == 3)
            first = heard(neighbour)[2]
            assert isinstance(first, PeerPong)
            assert (first.nonce, first.held_s) == (1, 0.0)
            node.send("n1", [mesh.encode(gossip)])
            neighbour.connection.send(mesh.encode(PeerPing(3)))
            await wait_until(lambda: len(neighbour.bodies) == 5)
            told, second = heard(neighbour)[3:]
            assert told == gossip
            assert isinstance(second, PeerPong)
            assert second.nonce == 2
            assert second.held_s > 0
            neighbour.connection.send(mesh.encode(gossip))
            await wait_until(lambda: node._links["n1"].heartbeat.has_held)
            for _ in range(LONE_BEATS):
                node.beat_all()
            await wait_until(lambda: len(neighbour.bodies) == 7)
            third, ping = heard(neighbour)[5:]
            assert isinstance(third, PeerPong)
            assert (third.nonce, ping) == (3, PeerPing(2))

    run(scenario())


def test_time_for_which_an_answer_was_held_is_no_travel_time(tmp_path: Path) -> None:
    gossip = Gossip(())

    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            neighbour = await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: PeerPing(1) in heard(neighbour))
            # Held for longer than the ping is old: it says nothing.
            for frame in (PeerPong(1, 1, 1000.0), gossip):
                neighbour.connection.send(mesh.encode(frame))
            await wait_until(lambda: events.frames)
            assert events.round_trips == {}
            assert events.clocks == {}
            for _ in range(LONE_BEATS):
                node.beat_all()
            await wait_until(lambda: PeerPing(2) in heard(neighbour))
            neighbour.connection.send(mesh.encode(PeerPong(2, 1, 0.0)))
            await wait_until(lambda: events.round_trips)

    run(scenario())
