"""Clients on one side, nodes on the other: who gets what, and what happens when one goes."""

from collections import Counter

import pytest

from roost.balancer.errors import RefusedNodeError, TrunkError
from roost.balancer.pacing import PaceConfig
from roost.balancer.sessions import Session, SessionLimits
from roost.trunk.frames import (
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
    Release,
    Released,
    Reply,
    Serving,
    Welcome,
)
from unit.balancer.fakes import FakeTrunk, World, hello, status


def register(trunk: FakeTrunk, session: Session) -> None:
    """Have the client say its first line, and the node acknowledge it."""
    trunk.world.say(session, "USER")
    trunk.show(Reply(session.id, session.generation, session.last_line, 0, True, b""))


def serve(trunk: FakeTrunk, *sessions: Session) -> None:
    """Have the node say that it serves sessions that it did not register."""
    trunk.show(*(Serving(session.id, session.generation) for session in sessions))


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


def test_a_node_that_returns_under_another_address_is_news_and_the_same_address_is_none() -> None:
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
def test_a_node_that_does_not_fit_is_refused(announcement: Hello, reason: str) -> None:
    world = World()
    with pytest.raises(RefusedNodeError, match=reason):
        world.exchange.node_connected(announcement, FakeTrunk(world, "n1"), world.now)
    assert len(world.exchange.fleet) == 0


def test_a_second_node_of_a_name_is_refused_while_the_first_is_heard() -> None:
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


def test_a_node_that_is_not_ready_gets_nobody() -> None:
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


# What nodes show


def test_a_groups_members_get_its_bytes_but_not_the_one_who_asked() -> None:
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


def test_a_client_that_went_is_in_no_group_any_more() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    (alice, one), (_, two) = world.client(), world.client()
    serve(trunk, one, two)
    trunk.show(Join(7, (one.id, two.id)), Join(8, (one.id,)))
    world.exchange.client_lost(one, "Connection closed", world.now)
    trunk.show(Join(7, (one.id,)), Deliver(7, 0, b"hello\r\n"), DeliverTo((one.id,), b"x\r\n"))
    assert alice.received == b""
    node = world.exchange.fleet.find("n1")
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
    assert world.exchange.departing_count == 0
    assert not world.exchange.sessions


# Clients go


def test_a_client_that_goes_is_departing_until_its_node_confirms() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    _, session = world.client()
    world.exchange.client_spoke(session, [b"QUIT"], world.now)
    world.exchange.client_lost(session, "Connection reset", world.now)
    kinds = [type(frame) for frame in trunk.frames if isinstance(frame, Lines | Detach)]
    assert kinds == [Lines, Detach], "its last words come first"
    assert trunk.take(Detach) == [Detach(session.id, 1, "Connection reset")]
    assert world.exchange.departing_count == 1
    trunk.show(Close(session.id, 1, b""))
    assert world.exchange.departing_count == 0


def test_a_departure_is_told_to_another_node_when_the_first_is_lost_unconfirmed() -> None:
    world = World()
    trunks = {name: world.trunk(name).ready() for name in ("n1", "n2")}
    _, session = world.client()
    other = "n2" if session.node == "n1" else "n1"
    own = session.node
    world.exchange.client_lost(session, "gone", world.now)
    trunks[own].lose()
    assert trunks[other].take(Detach) == [Detach(session.id, 1, "gone")]
    trunks[other].lose()
    assert world.exchange.departing_count == 1
    again = world.trunk(own)
    assert not again.take(Detach), "it is not ready yet"
    again.ready()
    assert again.take(Detach) == [Detach(session.id, 1, "gone")]
    again.show(Close(session.id, 1, b""))
    assert world.exchange.departing_count == 0


def test_a_client_that_never_met_a_node_leaves_nothing_behind() -> None:
    world = World()
    _, session = world.client()
    world.exchange.client_lost(session, "gone", world.now)
    assert world.exchange.departing_count == 0
    assert world.exchange.waiting_count == 0


# Nodes go


def test_unregistered_clients_of_a_lost_node_are_given_to_another_with_all_their_lines() -> None:
    world = World()
    first = world.trunk("n1").ready()
    alice, session = world.client()
    before = session.position
    world.say(session, "CAP LS", "NICK a")
    first.show(Reply(session.id, 1, 1, 0, False, b"CAP * LS :\r\n"), position=42)
    second = world.trunk("n2").ready()
    first.lose()
    assert not alice.is_finished
    # Up to 42 it may have been registered, and not have been shown what happened since.
    assert before < 42
    assert second.take(Attach) == [Attach(session.id, 2, "192.0.2.1", False, 0, 1, before)]
    assert second.take(Lines) == [Lines(session.id, 2, 1, (b"CAP LS", b"NICK a"))]
    second.show(
        Reply(session.id, 2, 1, 0, False, b"again\r\n"),
        Reply(session.id, 2, 2, 1, True, b"welcome\r\n"),
    )
    assert alice.received == b"CAP * LS :\r\nwelcome\r\n"


def test_registered_clients_of_a_lost_node_notice_nothing() -> None:
    world = World()
    first = world.trunk("n1").ready()
    alice, session = world.client()
    register(first, session)
    world.say(session, "PRIVMSG #a :one", "PRIVMSG #a :two")
    first.show(Join(3, (session.id,)), Reply(session.id, 1, 2, 0, True, b"one\r\n"), position=50)
    second = world.trunk("n2").ready()
    first.lose()
    assert second.take(Attach) == [Attach(session.id, 2, "192.0.2.1", False, 2, 0, 50)]
    assert second.take(Lines) == [Lines(session.id, 2, 3, (b"PRIVMSG #a :two",))]
    second.show(
        Serving(session.id, 2),
        Join(9, (session.id,)),
        DeliverTo((session.id,), b"missed\r\n"),
        Reply(session.id, 2, 3, 0, True, b"two\r\n"),
        position=60,
    )
    assert alice.received == b"one\r\nmissed\r\ntwo\r\n"
    assert not alice.is_finished


def test_a_node_lost_before_it_showed_anything_moves_no_position() -> None:
    world = World()
    first = world.trunk("n1").ready()
    _, session = world.client()
    register(first, session)
    first.show(position=50)
    second = world.trunk("n2").ready()
    second.show(position=70)
    first.lose()
    third = world.trunk("n3").ready()
    second.lose()
    (attach,) = third.take(Attach)
    assert (attach.generation, attach.position) == (3, 50)


def test_sessions_of_a_hung_node_go_elsewhere_after_a_second() -> None:
    world = World()
    first, second = world.trunk("n1").ready(), world.trunk("n2").ready()
    clients = [world.client() for _ in range(2)]
    for _, session in clients:
        register(first if session.node == "n1" else second, session)
    world.pass_time(0.9, second)
    assert sorted(session.node for _, session in clients) == ["n1", "n2"]
    second.take(Attach)
    world.pass_time(0.2, second)
    assert first.dropped == "it was silent for 1.0 s"
    assert [session.node for _, session in clients] == ["n2", "n2"]
    assert not any(client.received for client, _ in clients)


def test_the_only_node_is_given_more_time() -> None:
    world = World()
    first = world.trunk("n1").ready()
    _, session = world.client()
    world.pass_time(4.8)
    assert session.node == "n1"
    world.pass_time(0.4)
    assert first.dropped == "it was silent for 5.0 s"
    assert world.exchange.waiting_count == 1


def test_nobody_is_given_up_for_our_own_sleep() -> None:
    world = World()
    first, second = world.trunk("n1").ready(), world.trunk("n2").ready()
    world.pass_time(1.0, first, second)
    world.now += 20
    world.pass_time(0.5, first, second)
    assert not first.dropped
    assert not second.dropped


def test_a_refused_client_is_given_to_another_node() -> None:
    world = World()
    first, second = world.trunk("n1").ready(), world.trunk("n2").ready()
    _, session = world.client()
    own, other = (first, second) if session.node == "n1" else (second, first)
    own.show(Refuse(session.id, 1, "not now"))
    world.pass_time(0.1, first, second)
    assert [attach.generation for attach in other.take(Attach)] == [2]


def test_a_client_that_every_node_refuses_is_told_in_the_end() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    for _ in range(21):
        trunk.show(Refuse(session.id, session.generation, "never"))
        world.pass_time(0.1, trunk)
    assert alice.received == b"ERROR :Closing link: no node can serve you, please reconnect\r\n"


# What is left over from an earlier binding


def test_what_a_node_said_before_it_took_a_session_back_is_dropped() -> None:
    world = World()
    first = world.trunk("n1").ready()
    alice, session = world.client()
    register(first, session)
    first.show(position=50)
    second = world.trunk("n2").ready()
    first.say(status("draining", "drained by an operator"))
    world.pass_time(0.1, first, second)
    assert session.node == "n2"
    first.say(status())
    second.lose()
    assert (session.node, session.generation) == ("n1", 3)
    # The first node says this before it has heard of any of that.
    first.show(
        Join(4, (session.id,)),
        Deliver(4, 0, b"early\r\n"),
        DeliverTo((session.id,), b"early\r\n"),
        Reply(session.id, 1, 2, 0, True, b"early\r\n"),
        Leave(4, (session.id,)),
        position=60,
    )
    assert alice.received == b""
    first.show(
        Serving(session.id, 3), Join(5, (session.id,)), Deliver(5, 0, b"late\r\n"), position=70
    )
    assert alice.received == b"late\r\n"
    third = world.trunk("n3").ready()
    first.lose()
    (attach,) = third.take(Attach)
    assert (attach.generation, attach.position) == (4, 70)


def test_a_binding_that_was_never_confirmed_moves_no_position() -> None:
    world = World()
    first = world.trunk("n1").ready()
    _, session = world.client()
    register(first, session)
    first.show(position=50)
    second = world.trunk("n2").ready()
    first.lose()
    second.show(Serving(session.id, 1), position=90)
    third = world.trunk("n3").ready()
    second.lose()
    (attach,) = third.take(Attach)
    assert (attach.generation, attach.position) == (3, 50)


def test_a_nodes_report_says_how_far_its_clients_are_served() -> None:
    world = World()
    first = world.trunk("n1").ready()
    _, session = world.client()
    register(first, session)
    first.say(status(applied=5000))
    second = world.trunk("n2").ready()
    first.lose()
    assert second.take(Attach)[0].position == 5000


# Nodes that live and cannot serve


def test_a_blip_of_a_node_moves_nobody() -> None:
    world = World()
    first, second = world.trunk("n1").ready(), world.trunk("n2").ready()
    _, session = world.client()
    own = first if session.node == "n1" else second
    own.say(status("no-majority", "an election"))
    world.pass_time(0.4, first, second)
    own.say(status())
    world.pass_time(5.0, first, second)
    assert session.generation == 1


def test_clients_of_a_node_that_cannot_serve_go_to_another() -> None:
    world = World()
    first = world.trunk("n1").ready()
    alice, session = world.client()
    register(first, session)
    world.say(session, "PRIVMSG #a :kept")
    first.show(position=40)
    second = world.trunk("n2").ready()
    first.say(status("isolated", "linked to nobody", applied=44))
    world.pass_time(0.6, first, second)
    assert first.take(Release) == [Release((Released(session.id, 1),))]
    assert second.take(Attach) == [Attach(session.id, 2, "192.0.2.1", False, 1, 0, 44)]
    assert second.take(Lines) == [Lines(session.id, 2, 2, (b"PRIVMSG #a :kept",))]
    world.pass_time(5, first, second)
    assert alice.received == b""


def test_without_a_majority_clients_wait_are_told_once_and_their_lines_are_sent_once() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    register(trunk, session)
    trunk.take(Attach)
    began = world.now
    trunk.say(status("no-majority", "two nodes are gone"))
    world.pass_time(0.95, trunk)
    assert alice.received == b""
    assert trunk.take(Release)
    world.pass_time(0.2, trunk)
    assert alice.received.count(b"NOTICE") == 1
    assert world.now - began < 1.2
    world.say(session, "PRIVMSG #a :one", "PRIVMSG #a :two")
    trunk.take(Lines)
    world.pass_time(20, trunk)
    assert alice.received.count(b"NOTICE") == 1
    trunk.say(status())
    world.finish_turn()
    assert trunk.take(Attach)[0].generation == 2
    assert trunk.take(Lines) == [
        Lines(session.id, 2, 2, (b"PRIVMSG #a :one", b"PRIVMSG #a :two")),
    ]
    assert alice.received.count(b"NOTICE") == 1, "the log has not given it to the node yet"
    trunk.show(Serving(session.id, 2))
    assert alice.received.count(b"NOTICE") == 2
    assert alice.received.endswith(b"The service is ready; what you typed is being sent.\r\n")
    trunk.show(Reply(session.id, 2, 3, 0, True, b""))
    world.pass_time(5, trunk)
    assert alice.received.count(b"NOTICE") == 2


def test_a_majority_that_is_gone_again_at_once_is_no_news() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    register(trunk, session)
    for _ in range(3):
        trunk.say(status("no-majority", "two nodes are gone"))
        world.pass_time(2, trunk)
        trunk.say(status())
        world.finish_turn()
    assert alice.received.count(b"NOTICE") == 1
    assert session.generation == 4


def test_a_waiting_client_that_types_too_much_is_not_read() -> None:
    world = World(sessions=SessionLimits(lines_max=3))
    alice, session = world.client()
    world.say(session, "one", "two")
    assert alice.is_read()
    world.say(session, "three")
    assert not alice.is_read()
    trunk = world.trunk("n1").ready()
    world.finish_turn()
    trunk.show(Reply(session.id, 1, 3, 0, True, b""))
    assert alice.is_read()


# Waiting


def test_a_client_waits_is_told_once_and_its_lines_are_kept() -> None:
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
    assert alice.received.endswith(b"The service is ready; what you typed is being sent.\r\n")
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


# Patience


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


def test_a_silent_client_is_asked_and_closed_when_it_does_not_answer() -> None:
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


def test_a_client_that_we_do_not_read_is_not_expected_to_answer() -> None:
    world = World(sessions=SessionLimits(lines_max=1))
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    register(trunk, session)
    world.say(session, "WHO *")
    assert not alice.is_read()
    world.pass_time(400, trunk, step=0.2)
    assert not alice.is_finished
    assert alice.received == b""


def test_a_flood_goes_on_at_its_pace_without_another_line_from_the_client() -> None:
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


# The end


def test_the_end_is_told_to_clients_and_nodes() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    (alice, one), (bob, two) = world.client(), world.client()
    world.exchange.stop(world.now)
    assert alice.received == bob.received == b"ERROR :Server is shutting down\r\n"
    assert [detach.session for detach in trunk.take(Detach)] == [one.id, two.id]
    assert world.exchange.departing_count == 2
    trunk.show(Close(one.id, 1, b""), Close(two.id, 1, b""))
    assert world.exchange.departing_count == 0


# The nodes' own view


def test_the_leader_is_whom_most_ready_nodes_name() -> None:
    world = World()
    trunks = [world.trunk(f"n{number}") for number in (1, 2, 3)]
    assert world.exchange.fleet.leader(world.now) == ""
    for trunk, leader in zip(trunks, ("n1", "n2", "n2"), strict=True):
        trunk.say(status(leader=leader))
    assert world.exchange.fleet.leader(world.now) == "n2"
    trunks[2].say(status("no-majority", "it says so", leader=""))
    assert world.exchange.fleet.leader(world.now) == ""


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
        due = world.exchange.lines_due
        assert due is not None
        assert due > world.now
        world.now = due
        world.finish_turn()
        assert [frame.session for frame in trunk.take(Lines)] == [first.id, second.id]
        assert trunk.sent_count == sent_before + 1
        assert world.exchange.lines_due is None

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
