"""A crowd's deliveries and takeovers are done in slices, so that no turn is long."""

import pytest

from roost.balancer.engine import node_pool, showing, waiting_room
from roost.protocol.trunk import Attach, Deliver, DeliverTo, Join, Output, Release, Reply, Serving
from unit.balancer.fakes import FakeClient, FakeTrunk, World, register, serve, status


def room(world: World, trunk: FakeTrunk, count: int) -> list[FakeClient]:
    """Connect clients that are all in one group."""
    clients = []
    for _ in range(count):
        client, session = world.client()
        register(trunk, session)
        trunk.show(Join(1, (session.id,)))
        clients.append(client)
    return clients


@pytest.fixture
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "DELIVERIES_PER_TURN", 25)


def said(count: int) -> tuple[Deliver, ...]:
    return tuple(Deliver(1, 0, f"{number}\r\n".encode()) for number in range(count))


def everything(count: int) -> bytes:
    return b"".join(item.payload for item in said(count))


@pytest.mark.usefixtures("small_turns")
def test_what_is_too_much_for_a_turn_is_shown_in_order_in_the_next_ones() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    clients = room(world, trunk, 10)
    before = world.exchange.relay.deliveries
    trunk.show(*said(20), position=50)
    assert world.exchange.relay.deliveries - before < 100
    while world.exchange.showing.has_more:
        before = world.exchange.relay.deliveries
        world.finish_turn()
        assert world.exchange.relay.deliveries - before < 40
    assert {client.received for client in clients} == {everything(20)}


@pytest.mark.usefixtures("small_turns")
def test_the_position_of_a_node_is_that_of_what_was_shown_when_it_is_lost() -> None:
    world = World()
    first = world.trunk("n1").ready()
    clients = room(world, first, 10)
    first.say(Output(60, said(20)))
    first.say(Output(70, said(20)))
    first.say(status(applied=70))
    second = world.trunk("n2").ready()
    # The output that was begun is finished; the next one comes from another node again.
    first.lose()
    assert {attach.position for attach in second.take(Attach)} == {60}
    assert {client.received for client in clients} == {everything(20)}


@pytest.mark.usefixtures("small_turns")
def test_a_session_that_moves_has_been_shown_whole_outputs() -> None:
    world = World()
    first = world.trunk("n1").ready()
    clients = room(world, first, 10)
    first.say(Output(60, said(20)))
    second = world.trunk("n2").ready()
    first.say(status("draining", applied=60))
    world.pass_time(3.0, first, second)
    assert first.take(Release)
    assert {attach.position for attach in second.take(Attach)} == {60}
    assert {client.received for client in clients} == {everything(20)}


@pytest.mark.usefixtures("small_turns")
def test_a_node_that_sends_nonsense_later_in_its_output_is_dropped() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    room(world, trunk, 10)
    number = next(iter(world.exchange.sessions))
    trunk.show(*said(20), Reply(number, 1, 99, 0, True, b""), position=50)
    while world.exchange.showing.has_more:
        world.finish_turn()
    assert "line 99" in trunk.dropped


def test_a_node_is_given_only_some_sessions_of_a_lost_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(node_pool, "ATTACHING_MAX", 4)
    world = World()
    first = world.trunk("n1").ready()
    clients = room(world, first, 10)
    sessions = {int(number): session for number, session in world.exchange.sessions.items()}
    second = world.trunk("n2").ready()
    first.lose()
    attached: list[int] = []
    while some := [attach.session for attach in second.take(Attach)]:
        assert len(some) <= 4
        attached += some
        serve(second, *(sessions[number] for number in some))
        world.pass_time(0.1, second)
    assert sorted(attached) == sorted(sessions)
    assert not world.exchange.waiting_count
    second.show(Join(1, tuple(sessions)), DeliverTo(tuple(sessions), b"all\r\n"))
    assert {client.received for client in clients} == {b"all\r\n"}


def test_new_clients_need_not_wait_for_a_takeover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_pool, "ATTACHING_MAX", 1)
    world = World()
    first = world.trunk("n1").ready()
    room(world, first, 3)
    second = world.trunk("n2").ready()
    first.lose()
    assert len(second.take(Attach)) == 1
    _, session = world.client()
    assert [attach.session for attach in second.take(Attach)] == [session.id]
    second.show(Serving(session.id, 1))


def test_nodes_are_sought_for_some_of_many_waiting_clients_in_each_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_room, "SEARCHES_MAX", 10)
    world = World()
    sessions = [world.client()[1] for _ in range(25)]
    trunk = world.trunk("n1").ready()
    attached = [[attach.session for attach in trunk.take(Attach)]]
    while world.exchange.waiting_count:
        world.pass_time(0.05)
        attached.append([attach.session for attach in trunk.take(Attach)])
    assert [len(some) for some in attached] == [10, 10, 5]
    in_order = [number for some in attached for number in some]
    assert in_order == [session.id for session in sessions]


def test_a_crowd_is_told_that_it_waits_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_room, "NOTICES_MAX", 4)
    world = World()
    clients = [world.client()[0] for _ in range(10)]
    told = [0]
    for _ in range(30):
        world.pass_time(0.05)
        told.append(sum(b"not ready" in client.received for client in clients))
    assert list(dict.fromkeys(told)) == [0, 4, 8, 10]
