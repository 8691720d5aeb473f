"""What happens to the clients of a node that dies, hangs or cannot serve."""

from roost.balancer.engine.session_values import SessionLimits
from roost.protocol.trunk import (
    Attach,
    Deliver,
    DeliverTo,
    Join,
    Leave,
    Lines,
    Output,
    Refuse,
    Release,
    Released,
    Reply,
    Serving,
)
from unit.balancer.fakes import World, register, status

# Lost nodes


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
    # It may have been registered up to 42, without being shown what happened since.
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


def test_no_node_is_dropped_after_the_balancer_was_suspended() -> None:
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


# Frames of an earlier binding


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
    # The first node sends this before it learns of any of that.
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


# Living nodes that cannot serve


def test_a_short_unreadiness_moves_no_session() -> None:
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
    assert alice.received.endswith(b"The service is ready. What you typed is being sent.\r\n")
    trunk.show(Reply(session.id, 2, 3, 0, True, b""))
    world.pass_time(5, trunk)
    assert alice.received.count(b"NOTICE") == 2


def test_a_majority_that_is_lost_again_at_once_is_not_announced() -> None:
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


def test_an_output_in_several_frames_is_shown_wholly_or_not_at_all() -> None:
    world = World()
    first = world.trunk("n1").ready()
    alice, session = world.client()
    register(first, session)
    first.say(Output(0, (DeliverTo((session.id,), b"one\r\n"),), is_last=False))
    world.finish_turn()
    assert alice.received == b""
    first.show(DeliverTo((session.id,), b"two\r\n"), position=60)
    assert alice.received == b"one\r\ntwo\r\n"
    first.say(Output(0, (DeliverTo((session.id,), b"three\r\n"),), is_last=False))
    second = world.trunk("n2").ready()
    first.lose()
    assert second.take(Attach) == [Attach(session.id, 2, "192.0.2.1", False, 1, 0, 60)]
    assert alice.received == b"one\r\ntwo\r\n"
