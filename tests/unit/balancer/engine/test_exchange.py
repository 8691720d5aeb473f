"""The exchange: clients on one side, nodes on the other."""

from collections import Counter

import pytest

from roost.balancer.engine.line_batcher import BATCH_BYTES_MAX
from roost.balancer.engine.pacing import PaceConfig
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.errors import RefusedNodeError, TrunkError
from roost.protocol.trunk import (
    Attach,
    Close,
    Deliver,
    DeliverTo,
    Detach,
    Hello,
    Join,
    Leave,
    Lines,
    Neighbours,
    Refuse,
    Reply,
    Welcome,
)
from unit.balancer.fakes import FakeTrunk, World, hello, register, serve, status

# Announcements


def test_a_node_is_welcomed_and_all_learn_of_each_other() -> None:
    world = World()
    first = world.trunk("n1")
    second = world.trunk("n2")
    (welcome,) = second.take(Welcome)
    assert (welcome.cluster, welcome.name, welcome.incarnation) == ("test", "b1", 5)
    addresses = [(one.name, one.mesh_address) for one in welcome.neighbours]
    assert addresses == [("n1", "127.0.0.1:7001"), ("n2", "127.0.0.1:7002")]
    (news,) = first.take(Neighbours)
    assert news.neighbours == welcome.neighbours
    assert not second.take(Neighbours)


def test_nodes_are_told_only_of_new_addresses() -> None:
    world = World()
    first, second = world.trunk("n1"), world.trunk("n2")
    first.take(Neighbours)
    second.lose()
    second = world.trunk("n2")
    assert not first.take(Neighbours)
    second.lose()
    world.trunk("n2", mesh_address="127.0.0.1:9999")
    assert first.take(Neighbours)


@pytest.mark.parametrize(
    ("announcement", "reason"),
    [
        (hello("n1", protocol=9), "speaks version 9"),
        (hello("n1", cluster="other"), "belongs to cluster 'other'"),
    ],
)
def test_a_node_of_another_cluster_or_protocol_is_refused(announcement: Hello, reason: str) -> None:
    world = World()
    with pytest.raises(RefusedNodeError, match=reason):
        world.exchange.node_connected(announcement, FakeTrunk(world, "n1"), world.now)
    assert not list(world.exchange.pool)


def test_a_second_node_of_a_name_is_refused_while_the_first_is_not_silent() -> None:
    world = World()
    first = world.trunk("n1").ready()
    with pytest.raises(RefusedNodeError, match="connected already"):
        world.trunk("n1")
    world.pass_time(0.9)
    with pytest.raises(RefusedNodeError, match="connected already"):
        world.trunk("n1")
    world.pass_time(0.2)
    second = world.trunk("n1").ready()
    assert "silent" in first.dropped
    world.client()
    assert second.take(Attach)


def test_a_node_that_announces_itself_twice_breaks_the_protocol() -> None:
    world = World()
    trunk = world.trunk("n1")
    with pytest.raises(TrunkError):
        world.exchange.receive("n1", trunk, hello("n1"), world.now)


# Binding


def test_a_client_is_attached_and_its_lines_follow_numbered_in_one_frame() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    _, session = world.client()
    (attach,) = trunk.take(Attach)
    assert attach == Attach(session.id, 1, "192.0.2.1", False, 0, 0, 9)
    world.exchange.client_spoke(session, [b"NICK a", None], world.now)
    world.exchange.client_spoke(session, [b"USER a"], world.now)
    world.finish_turn()
    assert trunk.take(Lines) == [Lines(session.id, 1, 1, (b"NICK a", None, b"USER a"))]


def test_clients_are_spread_evenly() -> None:
    world = World()
    trunks = [world.trunk(f"n{number}").ready() for number in (1, 2, 3)]
    for _ in range(20):
        world.client()
    assert sorted(len(trunk.take(Attach)) for trunk in trunks) == [6, 7, 7]


def test_a_node_that_is_not_ready_gets_no_clients() -> None:
    world = World()
    trunks = {name: world.trunk(name).ready() for name in ("n1", "n2")}
    trunks["n1"].say(status("draining", "the node is stopping"))
    for _ in range(4):
        world.client()
    assert Counter({name: len(t.take(Attach)) for name, t in trunks.items()}) == {"n1": 0, "n2": 4}


def test_the_only_node_gets_clients_even_if_it_flaps() -> None:
    world = World()
    for _ in range(4):
        world.trunk("n1").ready().lose()
    trunk = world.trunk("n1").ready()
    world.client()
    assert trunk.take(Attach)


# Output of nodes


def test_all_members_of_a_group_but_the_excluded_one_get_its_bytes() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    (alice, one), (bob, two), (carol, three) = (world.client() for _ in range(3))
    serve(trunk, one, two, three)
    trunk.show(
        Join(7, (one.id, two.id)),
        Deliver(7, one.id, b"hello\r\n"),
        Deliver(7, 0, b"to both\r\n"),
        DeliverTo((three.id,), b"private\r\n"),
        Deliver(99, 0, b"to nobody\r\n"),
        Leave(7, (two.id,)),
        Deliver(7, 0, b"later\r\n"),
    )
    assert alice.received == b"to both\r\nlater\r\n"
    assert bob.received == b"hello\r\nto both\r\n"
    assert carol.received == b"private\r\n"
    assert (alice.writes, bob.writes, carol.writes) == (1, 1, 1)


def test_a_closed_client_is_in_no_group() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    (alice, one), (_, two) = world.client(), world.client()
    serve(trunk, one, two)
    trunk.show(Join(7, (one.id, two.id)), Join(8, (one.id,)))
    world.exchange.client_lost(one, "Connection closed", world.now)
    trunk.show(Join(7, (one.id,)), Deliver(7, 0, b"hello\r\n"), DeliverTo((one.id,), b"x\r\n"))
    assert alice.received == b""
    node = world.exchange.pool.find("n1")
    assert node is not None
    assert {number: list(members) for number, members in node.groups.items()} == {7: [two.id]}


def test_acknowledged_lines_are_forgotten_and_answers_given() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    world.say(session, "NICK a", "USER a")
    trunk.show(Reply(session.id, 1, 1, 0, False, b"hint\r\n"))
    assert session.acknowledged == 0
    trunk.show(Reply(session.id, 1, 2, 1, True, b"welcome\r\n"))
    assert alice.received == b"hint\r\nwelcome\r\n"
    assert session.acknowledged == session.last_line == 2
    assert session.is_registered


def test_an_acknowledgement_of_unsent_lines_breaks_the_protocol() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    _, session = world.client()
    with pytest.raises(TrunkError):
        trunk.show(Reply(session.id, 1, 1, 0, True, b""))


def test_what_another_node_or_an_earlier_generation_says_is_dropped() -> None:
    world = World()
    first = world.trunk("n1").ready()
    alice, session = world.client()
    second = world.trunk("n2").ready()
    world.say(session, "NICK a")
    second.show(
        DeliverTo((session.id,), b"x\r\n"),
        Join(1, (session.id,)),
        Deliver(1, 0, b"x\r\n"),
        Reply(session.id, 1, 1, 0, True, b"x\r\n"),
        Close(session.id, 1, b"x\r\n"),
    )
    first.show(
        Reply(session.id, 0, 1, 0, True, b"x\r\n"),
        Close(session.id, 0, b"x\r\n"),
        Refuse(session.id, 0, "x"),
    )
    assert alice.received == b""
    assert not alice.is_finished
    assert session.acknowledged == 0


def test_a_node_closes_a_client_with_a_last_line() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    serve(trunk, session)
    trunk.show(DeliverTo((session.id,), b"first\r\n"), Close(session.id, 1, b"ERROR :bye\r\n"))
    assert alice.is_finished
    assert alice.received == b"first\r\nERROR :bye\r\n"
    world.exchange.client_lost(session, "Connection closed", world.now)
    assert not trunk.take(Detach), "the node knows already"
    assert world.exchange.detaching_count == 0
    assert not world.exchange.sessions


# Clients that leave


def test_a_closed_client_is_detaching_until_its_node_confirms() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    _, session = world.client()
    world.exchange.client_spoke(session, [b"QUIT"], world.now)
    world.exchange.client_lost(session, "Connection reset", world.now)
    kinds = [type(frame) for frame in trunk.frames if isinstance(frame, Lines | Detach)]
    assert kinds == [Lines, Detach], "its last words come first"
    assert trunk.take(Detach) == [Detach(session.id, 1, "Connection reset")]
    assert world.exchange.detaching_count == 1
    trunk.show(Close(session.id, 1, b""))
    assert world.exchange.detaching_count == 0


def test_an_unconfirmed_detach_is_sent_to_another_node_when_the_first_is_lost() -> None:
    world = World()
    trunks = {name: world.trunk(name).ready() for name in ("n1", "n2")}
    _, session = world.client()
    other = "n2" if session.node == "n1" else "n1"
    own = session.node
    world.exchange.client_lost(session, "gone", world.now)
    trunks[own].lose()
    assert trunks[other].take(Detach) == [Detach(session.id, 1, "gone")]
    trunks[other].lose()
    assert world.exchange.detaching_count == 1
    again = world.trunk(own)
    assert not again.take(Detach), "it is not ready yet"
    again.ready()
    assert again.take(Detach) == [Detach(session.id, 1, "gone")]
    again.show(Close(session.id, 1, b""))
    assert world.exchange.detaching_count == 0


@pytest.mark.parametrize("has_others", [False, True])
def test_an_unconfirmed_detach_is_sent_to_another_node_when_the_first_is_cut_off(
    has_others: bool,
) -> None:
    world = World()
    cut_off = world.trunk("n1").ready()
    _, session = world.client()
    if has_others:
        world.client()
    other = world.trunk("n2").ready()
    world.exchange.client_lost(session, "gone", world.now)
    cut_off.say(status("isolated"))
    world.pass_time(0.4, cut_off, other)
    assert not other.take(Detach), "an election takes that long"
    world.pass_time(0.4, cut_off, other)
    assert other.take(Detach) == [Detach(session.id, 1, "gone")]
    cut_off.show(Close(session.id, 1, b""))
    assert world.exchange.detaching_count == 1, "the word of a node that knows less"
    other.show(Close(session.id, 1, b""))
    assert world.exchange.detaching_count == 0


def test_a_client_that_never_had_a_node_needs_no_detach() -> None:
    world = World()
    _, session = world.client()
    world.exchange.client_lost(session, "gone", world.now)
    assert world.exchange.detaching_count == 0
    assert world.exchange.waiting_count == 0


# Waiting


def test_a_waiting_client_is_told_once_and_its_lines_are_kept() -> None:
    world = World()
    alice, session = world.client()
    world.say(session, "NICK a")
    world.pass_time(0.9)
    assert alice.received == b""
    world.pass_time(0.2)
    assert alice.received.startswith(b":roost.local NOTICE * :The service is not ready")
    world.pass_time(30)
    assert alice.received.count(b"NOTICE") == 1
    assert world.exchange.waiting_count == 1
    trunk = world.trunk("n1").ready()
    world.finish_turn()
    assert trunk.take(Attach)
    assert trunk.take(Lines) == [Lines(session.id, 1, 1, (b"NICK a",))]
    assert alice.received.count(b"NOTICE") == 2
    assert alice.received.endswith(b"The service is ready. What you typed is being sent.\r\n")
    assert world.exchange.waiting_count == 0


def test_a_client_that_waits_briefly_is_told_nothing() -> None:
    world = World()
    alice, _ = world.client()
    world.pass_time(0.5)
    trunk = world.trunk("n1").ready()
    world.pass_time(5, trunk)
    assert alice.received == b""


def test_waiting_clients_are_attached_in_order_and_spread() -> None:
    world = World()
    sessions = [world.client()[1] for _ in range(9)]
    trunks = [world.trunk(f"n{number}") for number in (1, 2, 3)]
    trunks[0].ready()
    attached = [attach.session for attach in trunks[0].take(Attach)]
    assert attached == [session.id for session in sessions]


# Time-outs


def test_a_client_that_does_not_register_is_told_and_closed() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    world.pass_time(59, trunk)
    assert not alice.is_finished
    world.pass_time(3, trunk)
    assert alice.received == b"ERROR :Closing link: registration took longer than 60 s\r\n"
    assert trunk.take(Detach) == [Detach(session.id, 1, "Registration timed out")]


def test_time_without_a_node_does_not_count_against_registration() -> None:
    world = World()
    alice, _ = world.client()
    world.pass_time(300, step=0.5)
    assert not alice.is_finished
    trunk = world.trunk("n1").ready()
    world.pass_time(55, trunk)
    assert not alice.is_finished


def test_a_silent_client_is_pinged_and_closed_if_it_does_not_answer() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    register(trunk, session)
    world.pass_time(119, trunk)
    assert alice.received == b""
    world.pass_time(3, trunk)
    assert alice.received == b"PING :roost\r\n"
    world.pass_time(58, trunk)
    assert not alice.is_finished
    world.pass_time(5, trunk)
    assert alice.received.startswith(b"PING :roost\r\nERROR :Ping timeout: 18")
    assert trunk.take(Detach)[0].reason.startswith("Ping timeout: 18")


def test_a_client_that_answers_stays() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    register(trunk, session)
    for _ in range(5):
        world.pass_time(122, trunk)
        world.say(session, "PONG roost")
        trunk.show(Reply(session.id, 1, session.last_line, 0, True, b""))
    assert not alice.is_finished
    assert alice.received == b"PING :roost\r\n" * 5


def test_a_client_that_is_not_read_need_not_answer() -> None:
    world = World(sessions=SessionLimits(lines_max=1))
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    register(trunk, session)
    world.say(session, "WHO *")
    assert not alice.is_read()
    world.pass_time(400, trunk, step=0.2)
    assert not alice.is_finished
    assert alice.received == b""


def test_throttled_lines_are_sent_without_another_line_from_the_client() -> None:
    world = World(sessions=SessionLimits(burst_lines=5, lines_per_s=10))
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    world.say(session, *(f"L{number}" for number in range(1, 21)))
    assert [len(frame.lines) for frame in trunk.take(Lines)] == [5]
    assert not alice.is_read()
    world.pass_time(1.0, trunk)
    passed = [line for frame in trunk.take(Lines) for line in frame.lines]
    assert 9 <= len(passed) <= 10
    world.pass_time(1.0, trunk)
    assert alice.is_read()
    assert session.sent == 20


# Stopping


def test_stopping_tells_clients_and_nodes() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    (alice, one), (bob, two) = world.client(), world.client()
    world.exchange.stop(world.now)
    assert alice.received == bob.received == b"ERROR :Server is shutting down\r\n"
    assert [detach.session for detach in trunk.take(Detach)] == [one.id, two.id]
    assert world.exchange.detaching_count == 2
    trunk.show(Close(one.id, 1, b""), Close(two.id, 1, b""))
    assert world.exchange.detaching_count == 0


# Reports of nodes


def test_the_leader_is_the_one_that_most_ready_nodes_name() -> None:
    world = World()
    trunks = [world.trunk(f"n{number}") for number in (1, 2, 3)]
    assert world.exchange.pool.leader(world.now) == ""
    for trunk, leader in zip(trunks, ("n1", "n2", "n2"), strict=True):
        trunk.say(status(leader=leader))
    assert world.exchange.pool.leader(world.now) == "n2"
    trunks[2].say(status("no-majority", "it says so", leader=""))
    assert world.exchange.pool.leader(world.now) == ""


class TestPace:
    def test_under_load_lines_wait_for_others_and_leave_in_one_frame(self) -> None:
        world = World(pace=PaceConfig(), sessions=SessionLimits(lines_per_s=0, burst_lines=1000))
        trunk = world.trunk("n1").ready()
        (_, first), (_, second) = world.client(), world.client()
        world.say(first, *["PING x"] * 400)
        world.say(second, *["PING x"] * 400)
        world.pass_time(0.05, trunk)
        trunk.take(Lines)
        world.say(first, "PING a")
        world.say(second, "PING b")
        assert trunk.take(Lines) == []
        sent_before = trunk.sent_count
        assert not world.exchange.has_work
        due = world.exchange.held_until
        assert due is not None
        assert due > world.now
        world.now = due
        world.finish_turn()
        assert [frame.session for frame in trunk.take(Lines)] == [first.id, second.id]
        assert trunk.sent_count == sent_before + 1
        world.now += 1.0
        world.finish_turn()
        assert world.exchange.held_until is None

    def test_frames_are_bounded_however_many_speak_at_once(self) -> None:
        world = World(pace=PaceConfig(), sessions=SessionLimits(lines_per_s=0))
        clients = [world.client() for _ in range(40)]
        for _, session in clients:
            world.exchange.client_spoke(session, [b"x" * 8000] * 16, world.now)
        for _, session in clients:
            world.exchange.client_spoke(session, [b"x"] * 100, world.now)
        trunk = world.trunk("n1").ready()
        world.pass_time(0.1, trunk)
        assert max(trunk.sent_bytes) < BATCH_BYTES_MAX + 2 * SessionLimits().bytes_max
        lines = Counter[int]()
        for frame in trunk.take(Lines):
            lines[frame.session] += len(frame.lines)
        assert lines == {session.id: 116 for _, session in clients}

    def test_who_leaves_does_not_leave_its_last_lines_behind(self) -> None:
        world = World(pace=PaceConfig())
        trunk = world.trunk("n1").ready()
        _, session = world.client()
        world.say(session, *["PING x"] * 99)
        trunk.frames.clear()
        world.exchange.client_spoke(session, [b"PING last"], world.now)
        world.exchange.client_lost(session, "Connection closed", world.now)
        assert [type(frame) for frame in trunk.frames] == [Lines, Detach]
        world.finish_turn()
        assert [type(frame) for frame in trunk.frames] == [Lines, Detach]
