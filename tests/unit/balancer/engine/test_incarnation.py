"""A balancer serves nobody before the log has given its run an incarnation."""

import pytest

from roost.balancer.engine.statistics import problems_of
from roost.balancer.engine.waiting_room import WAITING_TEXT
from roost.balancer.errors import TrunkError
from roost.chat.ids import incarnation_of
from roost.protocol.trunk import Attach, Detach, Incarnation, Lines, Release, Welcome, refusal
from unit.balancer.fakes import World, status


def problems(world: World) -> list[str]:
    return problems_of(world.exchange, world.now)


def test_clients_wait_until_the_run_has_an_incarnation() -> None:
    world = World(has_incarnation=False)
    trunk = world.trunk("n1").ready()
    (alice, first), (_, second) = world.client(), world.client()
    world.say(first, "NICK alice")
    world.exchange.client_lost(second, "gone", world.now)
    world.pass_time(1.2, trunk)
    assert WAITING_TEXT.encode() in alice.received
    assert not trunk.take(Attach)
    assert problems(world) == ["the nodes have not given it an incarnation yet"]
    trunk.say(Incarnation(9))
    world.finish_turn()
    (attach,) = trunk.take(Attach)
    assert attach.session == first.id
    assert incarnation_of(first.id) == 9
    assert [lines.lines for lines in trunk.take(Lines)] == [(b"NICK alice",)]
    assert world.exchange.sessions == {first.id: first}
    assert world.exchange.waiting_count == 0
    assert not problems(world)
    _, third = world.client()
    assert incarnation_of(third.id) == 9
    assert third.id > first.id
    # Whom no node has seen, no node needs to forget.
    assert not trunk.take(Detach)


def test_every_welcome_names_the_run() -> None:
    world = World(has_incarnation=False)
    first, second = world.trunk("n1"), world.trunk("n2")
    (welcome,) = first.take(Welcome)
    assert (welcome.run, welcome.incarnation) == ("run", 0)
    first.say(Incarnation(9))
    second.say(Incarnation(9))
    second.lose()
    (again,) = world.trunk("n2").take(Welcome)
    assert (again.run, again.incarnation) == ("run", 9)


def test_a_node_that_says_another_incarnation_is_dropped() -> None:
    world = World()
    trunk = world.trunk("n1")
    trunk.say(Incarnation(5))
    with pytest.raises(TrunkError, match="says incarnation 6, this is 5"):
        trunk.say(Incarnation(6))


def test_a_refusal_by_a_node_is_said_and_its_clients_go_elsewhere() -> None:
    world = World()
    first, second = world.trunk("n1").ready(), world.trunk("n2").ready()
    sessions = [world.client()[1] for _ in range(2)]
    first.say(refusal("a later run began"))
    world.pass_time(3.0, first, second)
    assert {session.node for session in sessions} == {"n2"}
    assert first.take(Release)
    assert problems(world) == ["n1 refuses it: a later run began"]
    node = world.exchange.pool.find("n1")
    assert node is not None
    assert node.health.status(world.now).state == "refused"
    # The reason outlives the trunk, as a node may drop it when it has said why.
    first.lose()
    assert node.health.status(world.now).reason.endswith("refuses this balancer: a later run began")
    assert problems(world) == ["n1 refuses it: a later run began"]
    world.trunk("n1").say(status())
    assert not problems(world)
