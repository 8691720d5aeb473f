"""A balancer moves a session from a live node to another."""

import pytest

from roost.ircd.server import RELEASES_PER_TURN
from roost.protocol.trunk import Attach, Item, Release, Released, Serving
from support.dialogue import BALANCER, Client, World


def release(world: World, client: Client, node: int, generation: int) -> None:
    frame = Release((Released(client.session, generation),))
    world.servers[node].receive(BALANCER, frame, world.now())
    # A balancer takes the session out of the node's groups by itself.
    for (owner, _), members in world._groups.items():
        if owner == node:
            members.pop(client.session, None)


def move(world: World, client: Client, node: int) -> None:
    """Move a session as a balancer does, in one turn."""
    release(world, client, client.node, client.generation)
    world.move(client, node)


def test_a_registered_client_goes_on_and_its_old_node_forgets_it() -> None:
    world = World(nodes=2)
    alice, bob = world.join("#a", "alice", "bob")
    move(world, bob, 1)
    assert [server.session_count for server in world.servers] == [1, 1]
    alice.send("PRIVMSG #a :hello")
    bob.expect(":alice!alice@host PRIVMSG #a hello")
    bob.send("PRIVMSG #a :hi")
    alice.expect(":bob!bob@host PRIVMSG #a hi")
    assert not alice.is_closed
    assert not bob.is_closed


def test_an_unregistered_client_goes_on_and_its_old_node_forgets_it() -> None:
    world = World(nodes=2)
    alice = world.connect()
    alice.send("NICK alice")
    move(world, alice, 1)
    assert [server.session_count for server in world.servers] == [0, 1]
    alice.send("USER alice 0 * :Alice")
    assert any(" 001 " in line for line in alice.lines())


def test_a_client_whose_registration_is_under_way_is_registered_once() -> None:
    world = World(nodes=2)
    alice = world.connect()
    world.is_log_stopped = True
    alice.send("NICK alice", "USER alice 0 * :Alice")
    move(world, alice, 1)
    world.is_log_stopped = False
    world.run()
    assert sum(" 001 " in line for line in alice.lines()) == 1
    assert len(world.state.sessions) == 1
    assert [server.session_count for server in world.servers] == [0, 1]
    (session,) = world.state.sessions.values()
    assert session.generation == 2


def test_a_client_that_leaves_while_its_registration_is_under_way_elsewhere_leaves_no_ghost() -> (
    None
):
    world = World(nodes=2)
    alice = world.connect()
    world.is_log_stopped = True
    alice.send("NICK alice", "USER alice 0 * :Alice")
    release(world, alice, 0, 1)
    alice.node, alice.generation = 1, 2
    # The new node has not been given the lines yet.
    alice.sent.clear()
    world.attach(alice, 0)
    alice.disconnect()
    world.is_log_stopped = False
    world.run()
    assert not world.state.users


def test_only_the_generation_that_is_meant_is_released() -> None:
    world = World()
    alice = world.register("alice")
    alice.generation = 3
    world.attach(alice, world.log[-1].position)
    release(world, alice, 0, 1)
    world.run()
    assert world.servers[0].session_count == 1
    alice.send("PING x")
    alice.expect(":roost.local PONG roost.local x")


def test_a_stranger_releases_nothing() -> None:
    world = World()
    alice = world.register("alice")
    frame = Release((Released(alice.session, 9), Released(12345, 1)))
    world.servers[0].receive("b2", frame, world.now())
    world.run()
    assert world.servers[0].session_count == 1


def test_many_are_forgotten_in_turns() -> None:
    world = World()
    server = world.servers[0]
    many = range(2 * RELEASES_PER_TURN + 1)
    for session in many:
        server.receive(BALANCER, Attach(session, 1, "host", False, 0, 0, 0, ""), world.now())
    server.receive(BALANCER, Release(tuple(Released(one, 1) for one in many)), world.now())
    left = []
    while server.has_work:
        server.work(1 << 20)
        left.append(server.session_count)
    assert left == [RELEASES_PER_TURN + 1, 1, 0]


def test_a_session_that_comes_back_before_it_is_forgotten_stays() -> None:
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    release(world, alice, 0, 1)
    alice.generation = 2
    world.attach(alice, world.log[-1].position)
    assert world.servers[0].session_count == 2
    bob.send("PRIVMSG #a :hello")
    alice.expect(":bob!bob@host PRIVMSG #a hello")
    alice.send("PRIVMSG #a :hi")
    bob.expect(":alice!alice@host PRIVMSG #a hi")


def test_a_node_says_that_it_serves_before_it_shows_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(nodes=2)
    alice, bob = world.join("#a", "alice", "bob")
    position = world.log[-1].position
    alice.send("PRIVMSG #a :missed")
    bob.lines()
    bob.node, bob.generation = 1, 2
    release(world, bob, 0, 1)
    items: list[Item] = []
    obey = world.obey

    def watch(node: int, item: Item) -> None:
        if node == 1:
            items.append(item)
        obey(node, item)

    monkeypatch.setattr(world, "obey", watch)
    world.attach(bob, position)
    assert items[0] == Serving(bob.session, 2)
    assert len(items) > 2
    bob.expect(":alice!alice@host PRIVMSG #a missed")
