"""Links between neighbours over real sockets, with recorders in place of the engine."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.node.mesh import LONE_BEATS, SILENT_BEATS_MAX
from roost.protocol import mesh
from roost.protocol.mesh import Gossip, PeerPing, PeerRefusal, TrunkReport
from roost.wire import admit, serve, server_context
from roost.wire.authority import key_hash, load_certificate
from roost.wire.identity import Role
from support.credentials import issue
from support.loops import run, wait_until
from support.meshes import greeting, heard, make_mesh, one_node, pose_as
from support.recorders import Side


def test_two_nodes_link_once_and_talk_both_ways(tmp_path: Path) -> None:
    async def scenario() -> None:
        n1, events1 = make_mesh(tmp_path, "n1")
        n2, events2 = make_mesh(tmp_path, "n2")
        async with n1.open(), n2.open():
            n1.learn("n2", f"127.0.0.1:{n2.port}")
            n2.learn("n1", f"127.0.0.1:{n1.port}")
            await wait_until(lambda: events1.story and events2.story)
            gossip = Gossip((TrunkReport("b1", 5),))
            n1.send("n2", [mesh.encode(gossip), mesh.encode(Gossip(()))])
            n2.send("n1", [mesh.encode(gossip)])
            n2.send("n3", [mesh.encode(gossip)])
            await wait_until(lambda: len(events2.frames) == 2 and events1.frames)
            assert events2.frames == [("n1", gossip), ("n1", Gossip(()))]
            assert events1.frames == [("n2", gossip)]
            assert (n1.linked, n2.linked) == (("n2",), ("n1",))
            assert (events1.story, events2.story) == (["+n2"], ["+n1"])

    run(scenario())


def test_a_lost_link_is_reported_and_dialled_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        n1, events1 = make_mesh(tmp_path, "n1")
        async with n1.open():
            n2, _ = make_mesh(tmp_path, "n2")
            async with n2.open():
                n1.learn("n2", f"127.0.0.1:{n2.port}")
                await wait_until(lambda: events1.story == ["+n2"])
            await wait_until(lambda: events1.story == ["+n2", "-n2"])
            assert n1.linked == ()
            again, _ = make_mesh(tmp_path, "n2", port=n2.port)
            async with again.open():
                await wait_until(lambda: events1.story == ["+n2", "-n2", "+n2"])

    run(scenario())


def test_a_neighbour_that_moved_is_dialled_at_its_new_address(tmp_path: Path) -> None:
    async def scenario() -> None:
        n1, events1 = make_mesh(tmp_path, "n1")
        async with n1.open():
            n1.learn("n2", "127.0.0.1:1")
            n2, _ = make_mesh(tmp_path, "n2")
            async with n2.open():
                n1.learn("n2", f"127.0.0.1:{n2.port}")
                await wait_until(lambda: events1.story == ["+n2"])

    run(scenario())


def test_addresses_are_remembered_for_the_next_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        n1, _ = make_mesh(tmp_path, "n1")
        n2, _ = make_mesh(tmp_path, "n2")
        async with n2.open():
            async with n1.open():
                n1.learn("n2", f"127.0.0.1:{n2.port}")
                n1.learn("n1", "127.0.0.1:1")
                n1.learn("n9", "127.0.0.1:1")
                n1.learn("n3", "nonsense")
                await wait_until((tmp_path / "n1-neighbours.json").exists)
            again, events = make_mesh(tmp_path, "n1")
            async with again.open():
                await wait_until(lambda: events.story == ["+n2"])
                # n9 may belong to the cluster later; until then it is not dialled.
                assert again.addresses == {"n2": f"127.0.0.1:{n2.port}", "n9": "127.0.0.1:1"}

    run(scenario())


def test_a_damaged_memory_is_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "n2-neighbours.json").write_bytes(b'{"n3": ')
        async with one_node(tmp_path) as (node, _):
            assert node.addresses == {}

    with capture_logs() as logs:
        run(scenario())
    assert [log["event"] for log in logs] == ["neighbours-forgotten"]


def test_a_silent_neighbour_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path) as (node, events):
            neighbour = await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: events.story == ["+n1", "-n1"])
            await wait_until(lambda: neighbour.reasons)
            pings = [frame for frame in heard(neighbour) if isinstance(frame, PeerPing)]
            assert len(pings) == 1 + SILENT_BEATS_MAX // (LONE_BEATS + 1)

    with capture_logs() as logs:
        run(scenario())
    assert any(log.get("reason") == "it is silent" for log in logs)


def test_a_neighbour_that_never_greets_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path) as (node, events):
            neighbour = await pose_as(tmp_path, "n1", node, [])
            await wait_until(lambda: neighbour.reasons)
            assert events.story == []

    run(scenario())


def test_a_neighbour_that_comes_again_replaces_its_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            first = await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: events.story == ["+n1"])
            second = await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: first.reasons)
            assert events.story == ["+n1", "-n1", "+n1"]
            node.send("n1", [mesh.encode(Gossip(()))])
            await wait_until(lambda: len(second.bodies) == 3)
            assert node.linked == ("n1",)

    run(scenario())


BROKEN = [
    ("a greeting of another cluster", greeting("n1", cluster="other"), "cluster 'other'"),
    ("a greeting under another name", greeting("n3"), "calls itself 'n3'"),
    ("another version", greeting("n1", protocol=99), "speaks version 99"),
    ("no greeting first", mesh.encode(PeerPing(1)), "did not greet first"),
    ("no frame at all", b"\xc1", "cannot be read"),
    ("an empty frame", b"", "cannot be read"),
    ("text that is not UTF-8", b"\x96\x65\x01\xa1\xff\xa2n1\xa11\x00", "cannot be read"),
]


@pytest.mark.parametrize(("_name", "body", "reason"), BROKEN)
def test_a_neighbour_that_breaks_the_handshake_is_dropped(
    tmp_path: Path, _name: str, body: bytes, reason: str
) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            neighbour = await pose_as(tmp_path, "n1", node, [body])
            await wait_until(lambda: neighbour.reasons)
            assert events.story == []

    with capture_logs() as logs:
        run(scenario())
    refusals = [log for log in logs if log["event"] == "peer-refused"]
    assert len(refusals) == 1
    assert reason in refusals[0]["reason"]
    assert refusals[0]["peer"] == "roost://test/node/n1"


@pytest.mark.parametrize("body", [b"\xc1", greeting("n1"), b"\x91\xcc\xc8"])
def test_a_neighbour_that_breaks_the_protocol_later_is_dropped(tmp_path: Path, body: bytes) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            neighbour = await pose_as(tmp_path, "n1", node, [greeting("n1"), body])
            await wait_until(lambda: neighbour.reasons)
            assert events.story == ["+n1", "-n1"]
            assert events.frames == []

    run(scenario())


@pytest.mark.parametrize(
    ("name", "role", "reason"),
    [
        ("n3", "node", "'n2' dials 'n3', not the other way round"),
        ("n2", "node", "'n2' dials 'n2', not the other way round"),
        ("n1", "balancer", "it is a balancer, a node is wanted here"),
    ],
)
def test_who_has_no_business_here_is_refused_without_effect(
    tmp_path: Path, name: str, role: Role, reason: str
) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            stranger = await pose_as(tmp_path, name, node, [greeting(name)], role)
            await wait_until(lambda: stranger.reasons)
            assert stranger.bodies == []
            assert events.story == []

    with capture_logs() as logs:
        run(scenario())
    assert [log["reason"] for log in logs if log["event"] == "peer-refused"] == [reason]


def test_who_does_not_belong_to_the_cluster_is_told_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            node.follow(("n1", "n2", "n3"))
            stranger = await pose_as(tmp_path, "n0", node, [greeting("n0")])
            await wait_until(lambda: stranger.reasons)
            refusal = mesh.decode(stranger.bodies[-1])
            assert refusal == PeerRefusal("'n0' does not belong to the cluster", True)
            assert events.story == []

    with capture_logs() as logs:
        run(scenario())
    assert "peer-refused" in [log["event"] for log in logs]


def test_a_node_with_the_key_of_an_earlier_one_of_its_name_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with one_node(tmp_path, heartbeat_s=60) as (node, events):
            node.follow(("n1", "n2"), {"n1": "of another machine"})
            stranger = await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: stranger.reasons)
            refusal = mesh.decode(stranger.bodies[-1])
            assert isinstance(refusal, PeerRefusal)
            assert "the key of 'n1' has changed" in refusal.reason
            key = key_hash(load_certificate(issue(tmp_path, "n1").certificate))
            node.follow(("n1", "n2"), {"n1": key})
            await pose_as(tmp_path, "n1", node, [greeting("n1")])
            await wait_until(lambda: events.story)

    run(scenario())


def test_a_node_that_does_not_speak_the_clusters_version_is_told_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        n1, told = make_mesh(tmp_path, "n1", speaks=(1, 1))
        n9, _ = make_mesh(tmp_path, "n9")
        async with n9.open(), n1.open():
            n9.follow(("n1", "n9"))
            n1.learn("n9", f"127.0.0.1:{n9.port}")
            await wait_until(lambda: told.story == ["+n9"])
            n9.follow(("n1", "n9"), version=2)
            await wait_until(lambda: "n9 needs version 2" in told.story)
            await wait_until(lambda: n1.linked == ())

    with capture_logs() as logs:
        run(scenario())
    reasons = [log["reason"] for log in logs if log["event"] == "peer-disconnected"]
    assert any("the cluster is at version 2, and 'n1' speaks up to 1" in one for one in reasons)


def test_links_follow_the_nodes_that_belong_to_the_cluster(tmp_path: Path) -> None:
    async def scenario() -> None:
        n1, told = make_mesh(tmp_path, "n1")
        n9, _ = make_mesh(tmp_path, "n9")
        async with n9.open(), n1.open():
            n9.follow(("n1", "n9"))
            n1.learn("n9", f"127.0.0.1:{n9.port}")
            n1.follow(("n1", "n9"))
            await wait_until(lambda: told.story == ["+n9"])
            n9.follow(("n8", "n9"))
            await wait_until(lambda: "removed by n9" in told.story)
            await wait_until(lambda: n1.linked == ())
            n9.follow(("n1", "n9"))
            await wait_until(lambda: told.story[-1] == "+n9")
            n1.follow(("n1",))
            await wait_until(lambda: told.story[-1] == "-n9")

    run(scenario())


def test_somebody_else_at_a_neighbours_address_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        side = Side()
        context = server_context(issue(tmp_path, "n3"))
        async with (
            serve("127.0.0.1", 0, context, side, admit("test", "node")) as listener,
            one_node(tmp_path, "n1") as (node, events),
        ):
            node.learn("n2", f"127.0.0.1:{listener.port}")
            await wait_until(lambda: logs)
            assert events.story == []

    with capture_logs() as logs:
        run(scenario())
    assert logs[0]["reason"] == "it is 'n3', and 'n2' was expected there"
