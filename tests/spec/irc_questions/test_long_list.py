"""LIST of many rooms proceeds in steps, and nobody else waits for it."""

import pytest

from roost.ircd.config import Config
from support.dialogue import BALANCER, Client, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("roost.ircd.commands.list.ROOMS_PER_STEP", 10)
    monkeypatch.setattr("roost.ircd.serving.serving.STEPS_PER_TURN", 2)
    world = World(nodes=2, config=Config(reply_part_bytes_max=200))
    for number in range(3):
        owner = world.register(f"owner{number}")
        owner.send(f"JOIN {','.join(f'#{number}-{other}' for other in range(15))}")
    return world


def rooms(client: Client) -> list[str]:
    return [one.parameters[1] for one in client.messages() if one.command == "322"]


def hold_back(world: World, *, is_held: bool) -> None:
    """Let the balancer read nothing, or everything that it was sent."""
    for server in world.servers:
        server.congested({BALANCER} if is_held else ())
    world.run()


def test_it_lists_everything_while_others_are_served(world: World) -> None:
    alice, bob = world.register("alice"), world.register("bob")
    hold_back(world, is_held=True)
    alice.send("LIST", "PING after")
    bob.send("PING x")
    assert bob.commands() == ["PONG"]
    assert [one.command for one in alice.messages()] == ["321"]
    hold_back(world, is_held=False)
    listed = alice.messages()
    assert [one.command for one in listed] == [*["322"] * 45, "323", "PONG"]
    assert len({one.parameters[1] for one in listed if one.command == "322"}) == 45


def test_steps_of_all_clients_together_are_bounded(world: World) -> None:
    clients = [world.register(f"c{number}") for number in range(4)]
    hold_back(world, is_held=True)
    for client in clients:
        client.send("LIST")
    server = world.servers[0]
    server.congested(())
    assert server.has_work
    server.work(1 << 20)
    listed = [item for items in server.take_output().items.values() for item in items]
    assert b"".join(item.payload for item in listed).count(b" 322 ") == 20  # type: ignore[union-attr]


def test_a_labelled_one_is_one_batch(world: World) -> None:
    alice = world.register("alice", "labeled-response", "batch")
    alice.send("@label=7 LIST")
    lines = alice.lines()
    assert lines[0].startswith("@label=7 :roost.local BATCH +")
    reference = lines[0].split("+")[1].split(" ")[0]
    assert all(line.startswith(f"@batch={reference} ") for line in lines[1:-1])
    assert lines[-1] == f":roost.local BATCH -{reference}"
    assert len(lines) == 49


@pytest.mark.parametrize("capabilities", [(), ("labeled-response", "batch")])
def test_a_node_that_dies_meanwhile_does_not_show(
    world: World, capabilities: tuple[str, ...]
) -> None:
    alice = world.register("alice", *capabilities)
    hold_back(world, is_held=True)
    alice.send("@label=1 LIST" if capabilities else "LIST")
    begun = alice.lines()
    world.servers[0].congested(())
    world.servers[0].work(1)
    hold_back(world, is_held=True)
    world.move(alice, 1)
    hold_back(world, is_held=False)
    lines = [*begun, *alice.lines()]
    listed = [line.split()[-3] for line in lines if " 322 " in line]
    assert len(listed) == len(set(listed)) == 45
    assert sum(" 321 " in line or " 323 " in line for line in lines) == 2
    assert sum(" BATCH " in line for line in lines) == (2 if capabilities else 0)


def test_a_client_that_leaves_meanwhile_is_forgotten(world: World) -> None:
    alice = world.register("alice")
    hold_back(world, is_held=True)
    alice.send("LIST")
    alice.disconnect()
    hold_back(world, is_held=False)
    assert alice.session not in world.state.sessions


def test_conditions_and_names_count_in_long_lists_too(world: World) -> None:
    alice = world.register("alice")
    alice.send("LIST #1-*,>0")
    assert len(rooms(alice)) == 15
    alice.send("LIST #1-3,#2-4,#none")
    assert rooms(alice) == ["#1-3", "#2-4"]
