"""LIST of many rooms proceeds in steps, and nobody else waits for it."""

import pytest

from roost.ircd.config import Config
from support.dialogue import Client, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("roost.ircd.commands.list.ROOMS_PER_STEP", 10)
    world = World(nodes=2, config=Config(reply_part_bytes_max=200))
    for number in range(3):
        owner = world.register(f"owner{number}")
        owner.send(f"JOIN {','.join(f'#{number}-{other}' for other in range(15))}")
    return world


def rooms(client: Client) -> list[str]:
    return [one.parameters[1] for one in client.messages() if one.command == "322"]


def test_it_lists_everything_while_others_are_served(world: World) -> None:
    alice, bob = world.register("alice"), world.register("bob")
    alice.send("LIST", "PING after")
    bob.send("PING x")
    assert bob.commands() == ["PONG"]
    first = alice.messages()
    assert [one.command for one in first] == ["321", *["322"] * 10]
    for _ in range(4):
        world.tick(0.25)
    rest = alice.messages()
    assert [one.command for one in rest] == [*["322"] * 35, "323", "PONG"]
    assert len({one.parameters[1] for one in [*first, *rest] if one.command == "322"}) == 45


def test_steps_of_all_clients_together_are_bounded(world: World) -> None:
    clients = [world.register(f"c{number}") for number in range(4)]
    for client in clients:
        client.send("LIST")
        client.lines()
    world.tick(0.25)
    assert sum(len(rooms(client)) for client in clients) == 20
    for _ in range(10):
        world.tick(0.25)
    assert all(client.commands()[-1] == "323" for client in clients)


def test_a_labelled_one_is_one_batch(world: World) -> None:
    alice = world.register("alice", "labeled-response", "batch")
    alice.send("@label=7 LIST")
    for _ in range(4):
        world.tick(0.25)
    lines = alice.lines()
    assert lines[0].startswith("@label=7 :roost.local BATCH +")
    reference = lines[0].split("+")[1].split(" ")[0]
    assert all(line.startswith(f"@batch={reference} ") for line in lines[1:-1])
    assert lines[-1] == f":roost.local BATCH -{reference}"
    assert len(lines) == 49


def test_a_node_that_dies_meanwhile_does_not_show(world: World) -> None:
    alice = world.register("alice")
    alice.send("LIST")
    world.tick(0.25)
    world.move(alice, 1)
    for _ in range(4):
        world.tick(0.25)
    listed = rooms(alice)
    assert len(listed) == len(set(listed)) == 45


def test_a_client_that_leaves_meanwhile_is_forgotten(world: World) -> None:
    alice = world.register("alice")
    alice.send("LIST")
    alice.disconnect()
    for _ in range(4):
        world.tick(0.25)
    assert alice.session not in world.state.sessions


def test_conditions_and_names_count_in_long_lists_too(world: World) -> None:
    alice = world.register("alice")
    alice.send("LIST #1-*,>0")
    for _ in range(4):
        world.tick(0.25)
    assert len(rooms(alice)) == 15
    alice.send("LIST #1-3,#2-4,#none")
    assert rooms(alice) == ["#1-3", "#2-4"]
