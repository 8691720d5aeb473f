"""Which node gets a client that missed something, when the nodes forget."""

from msgspec.structs import replace

from roost.balancer.engine.placement import PATIENCE_S
from roost.balancer.engine.sessions import Session
from roost.protocol.trunk import Attach, Join, Lines, Refuse, Reply, Serving
from unit.balancer.fakes import FakeClient, FakeTrunk, World, register, serve, status


def reports(trunk: FakeTrunk, reaches: int, state: str = "ready") -> FakeTrunk:
    trunk.say(replace(status(), state=state, reaches=reaches))
    return trunk


def served_by(trunk: FakeTrunk, position: int) -> tuple[FakeClient, Session]:
    """Connect a client that the only node has served up to a position, in a room."""
    client, session = trunk.world.client()
    register(trunk, session)
    trunk.show(Serving(session.id, 1, "alice"), Join(7, (session.id,), "#a"), position=position)
    return client, session


def test_only_nodes_that_reach_back_far_enough_are_asked() -> None:
    world = World()
    first = world.trunk("n1").ready()
    clients = [served_by(first, 50) for _ in range(6)]
    fresh, able = reports(world.trunk("n2"), 51), reports(world.trunk("n3"), 50)
    first.lose()
    assert not fresh.take(Attach)
    attached = able.take(Attach)
    assert len(attached) == len(clients)
    assert not any(attach.is_gap_allowed for attach in attached)


def test_a_node_that_is_held_down_is_asked_when_no_other_can() -> None:
    world = World()
    flapping = world.trunk("n1").ready()
    for _ in range(3):
        flapping.lose()
        flapping = world.trunk("n1").ready()
    first = world.trunk("n2").ready()
    _, session = served_by(first, 50)
    assert session.node == "n2"
    reports(world.trunk("n3"), 51)
    first.lose()
    assert session.node == "n1"
    assert not flapping.take(Attach)[0].is_gap_allowed


def test_a_draining_node_keeps_a_client_until_others_can_serve_it() -> None:
    world = World()
    first = world.trunk("n1").ready()
    _, session = served_by(first, 50)
    draining, fresh = reports(world.trunk("n2"), 0, "draining"), reports(world.trunk("n3"), 51)
    first.lose()
    world.pass_time(2.0, draining, fresh)
    assert session.node == "n2"
    serve(draining, session)
    draining.show(position=60)
    world.pass_time(2.0, draining, fresh)
    assert session.node == "n3"


def test_what_no_node_has_any_more_is_left_out_at_once() -> None:
    world = World()
    first, other = world.trunk("n1").ready(), world.trunk("n2")
    alice, session = served_by(first, 50)
    world.say(session, "PRIVMSG #a :kept")
    for trunk in (first, other):
        reports(trunk, 51)
    first.show(Refuse(session.id, 1, "too long ago", 51), position=52)
    world.pass_time(0.1, first, other)
    node = first if session.node == "n1" else other
    (attach,) = [one for one in node.take(Attach) if one.generation == 2]
    assert (attach.position, attach.is_gap_allowed) == (50, True)
    assert (attach.nick, attach.rooms) == ("alice", ("#a",))
    assert node.take(Lines)[-1].lines == (b"PRIVMSG #a :kept",)
    assert not alice.is_finished


def test_a_node_that_may_come_back_is_waited_for_but_not_for_long() -> None:
    world = World()
    first, fresh = world.trunk("n1").ready(), world.trunk("n2")
    _, session = served_by(first, 50)
    reports(fresh, 51)
    first.lose()
    world.pass_time(PATIENCE_S - 0.5, fresh)
    assert session.node == ""
    world.pass_time(1.0, fresh)
    assert session.node == "n2"
    assert fresh.take(Attach)[0].is_gap_allowed


def test_a_node_that_comes_back_with_what_was_missed_is_used() -> None:
    world = World()
    first, fresh = world.trunk("n1").ready(), world.trunk("n2")
    _, session = served_by(first, 50)
    reports(fresh, 51)
    first.lose()
    world.pass_time(1.0, fresh)
    again = world.trunk("n1").ready()
    world.pass_time(0.5, fresh, again)
    assert session.node == "n1"
    assert not again.take(Attach)[0].is_gap_allowed


def test_a_client_that_every_node_refuses_is_asked_for_again_with_a_pause() -> None:
    world = World()
    trunk = world.trunk("n1").ready()
    alice, session = world.client()
    for _ in range(100):
        trunk.show(Refuse(session.id, session.generation, "never"))
        world.pass_time(0.1, trunk)
    assert not alice.is_finished
    assert 20 < session.generation < 60
    trunk.show(Reply(session.id, session.generation, 0, 0, True, b""))
    assert session.stranding is None


def test_a_registering_client_goes_to_nodes_that_did_not_refuse_it() -> None:
    world = World()
    trunks = {name: reports(world.trunk(name), 51) for name in ("n1", "n2", "n3")}
    _, session = world.client()
    seen = [session.node]
    for _ in range(2):
        trunks[session.node].show(Refuse(session.id, session.generation, "too long ago", 51))
        world.pass_time(0.1, *trunks.values())
        seen.append(session.node)
    assert sorted(seen) == ["n1", "n2", "n3"]
    node = trunks[session.node]
    node.show(Refuse(session.id, session.generation, "too long ago", 51))
    world.pass_time(0.1, *trunks.values())
    attaches = [one for trunk in trunks.values() for one in trunk.take(Attach)]
    assert [one.is_gap_allowed for one in sorted(attaches, key=lambda one: one.generation)] == [
        False,
        False,
        False,
        True,
    ]


def test_what_a_client_knows_of_itself_follows_its_nodes() -> None:
    world = World()
    node = world.trunk("n1").ready()
    _, session = served_by(node, 50)
    node.show(Join(8, (session.id,), "#b"), Serving(session.id, 1, "alicia"), position=51)
    other = reports(world.trunk("n2"), 60)
    reports(node, 60)
    node.show(Refuse(session.id, 1, "too long ago", 60), position=61)
    world.pass_time(0.1, node, other)
    (attach,) = [one for trunk in (node, other) for one in trunk.take(Attach) if one.is_gap_allowed]
    assert (attach.nick, attach.rooms) == ("alicia", ("#a", "#b"))
