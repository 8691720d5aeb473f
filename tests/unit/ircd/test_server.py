"""The server between balancers and log: groups, answers and limits."""

from roost.chat.applied import Applied
from roost.chat.commands.sessions import BalancerStarted
from roost.chat.history import Page
from roost.chat.ids import Position
from roost.instant import Instant
from roost.ircd.config import Config
from roost.protocol.trunk import Attach, Close, Deliver, Detach, Item, Join, Leave, Lines, Reply
from support.dialogue import BALANCER, Client, World

HISTORY = ("draft/chathistory", "batch", "message-tags", "server-time", "standard-replies")


def items(world: World) -> list[Item]:
    """Commit the proposals of a node, and return what it sends."""
    server = world.servers[0]
    taken: list[Item] = []
    while True:
        output = server.take_output()
        taken += output.items.get(BALANCER, [])
        for command in output.commands:
            world.order(command)
        if not output.commands and not output.items:
            return taken


def crowd(world: World, count: int) -> list[Client]:
    clients = []
    for number in range(count):
        capabilities = ("server-time", "message-tags") if number % 2 else ()
        client = world.register(f"user{number}", *capabilities)
        client.send("JOIN #a")
        clients.append(client)
    return clients


def test_message_is_one_item_for_each_kind_of_client() -> None:
    world = World()
    clients = crowd(world, 9)
    clients[0].sent.append(b"PRIVMSG #a :hello")
    world.submit(clients[0], len(clients[0].sent))
    sent = items(world)
    delivered = [item for item in sent if isinstance(item, Deliver)]
    assert len(delivered) == 2
    assert {item.excluded for item in delivered} == {clients[0].session}
    assert len({item.payload for item in delivered}) == 2
    assert len(sent) == 3


def test_change_of_capabilities_moves_the_session_to_another_group() -> None:
    world = World()
    crowd(world, 2)
    third = world.register("third")
    third.send("JOIN #a")
    third.sent.append(b"CAP REQ :server-time message-tags")
    world.submit(third, len(third.sent))
    sent = items(world)
    (left,) = [item for item in sent if isinstance(item, Leave)]
    (joined,) = [item for item in sent if isinstance(item, Join)]
    assert left.group != joined.group
    assert left.sessions == joined.sessions == (third.session,)


def test_capability_that_no_delivery_depends_on_moves_nobody() -> None:
    world = World()
    (client,) = crowd(world, 1)
    client.sent.append(b"CAP REQ :multi-prefix batch")
    world.submit(client, len(client.sent))
    assert [type(item) for item in items(world)] == [Reply]


def test_group_numbers_are_not_used_again() -> None:
    world = World()
    (client,) = crowd(world, 1)
    numbers = []
    for _ in range(3):
        client.sent.append(b"PART #a")
        client.sent.append(b"JOIN #a")
        world.submit(client, len(client.sent) - 1)
        numbers += [item.group for item in items(world) if isinstance(item, Join)]
    assert len(numbers) == len(set(numbers)) == 3


def test_lines_are_handled_strictly_one_after_the_other() -> None:
    world = World()
    alice = world.register("alice")
    world.is_log_stopped = True
    alice.send("JOIN #a", "PING 1", "NAMES #a")
    alice.expect_nothing()
    assert len(world.pending) == 1
    world.is_log_stopped = False
    world.run()
    assert alice.commands() == ["JOIN", "353", "366", "PONG", "353", "366"]


def test_lines_that_come_twice_are_handled_once() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("PING 1", "PING 2")
    alice.lines()
    world.submit(alice, len(alice.sent) - 1)
    world.run()
    alice.expect_nothing()


def test_lines_with_a_gap_give_the_session_back() -> None:
    world = World()
    alice = world.register("alice")
    frame = Lines(alice.session, alice.generation, 99, (b"PING 1",))
    world.servers[0].receive(BALANCER, frame, world.now())
    world.run()
    assert alice.refusal == "lines are missing"


def test_frames_of_an_older_generation_do_nothing() -> None:
    world = World()
    alice = world.register("alice")
    server = world.servers[0]
    server.receive(BALANCER, Lines(alice.session, 0, 1, (b"QUIT",)), world.now())
    server.receive(BALANCER, Attach(alice.session, 1, "host", False, 0, 0, 0), world.now())
    world.run()
    alice.send("PING 1")
    assert alice.commands() == ["PONG"]


def test_long_answer_leaves_in_parts_that_make_up_the_whole() -> None:
    whole = World()
    in_parts = World(config=Config(motd=("Be kind.",), reply_part_bytes_max=200))
    seen = []
    for world in (whole, in_parts):
        alice = world.register("alice")
        alice.sent.append(b"HELP")
        world.submit(alice, len(alice.sent))
        seen.append([item for item in items(world) if isinstance(item, Reply)])
    assert b"".join(item.payload for item in seen[0]) == b"".join(item.payload for item in seen[1])
    assert [item.part for item in seen[1]] == list(range(len(seen[1])))
    assert len(seen[1]) > 1
    assert [item.is_last for item in seen[1]] == [False] * (len(seen[1]) - 1) + [True]
    assert all(len(item.payload) <= 200 for item in seen[1])


def test_history_that_cannot_be_read_is_said() -> None:
    world = World()
    alice = world.register("alice", *HISTORY)
    alice.send("JOIN #a")
    alice.lines()
    alice.sent.append(b"CHATHISTORY LATEST #a * 10")
    world.submit(alice, len(alice.sent))
    server = world.servers[0]
    ((ticket, query),) = server.take_output().queries
    assert isinstance(query, Page)
    server.answer_failed(ticket, "The disk is broken")
    server.answer(ticket, ())
    world.run()
    (line,) = alice.messages()
    assert line.command == "FAIL"
    assert line.parameters[:2] == ("CHATHISTORY", "MESSAGE_ERROR")
    assert line.parameters[-1] == "The disk is broken"
    alice.send("PING 1")
    assert alice.commands() == ["PONG"]


def test_answer_for_a_client_that_is_gone_is_dropped() -> None:
    world = World()
    alice = world.register("alice", *HISTORY)
    alice.send("JOIN #a")
    alice.sent.append(b"CHATHISTORY LATEST #a * 10")
    world.submit(alice, len(alice.sent))
    server = world.servers[0]
    ((ticket, _),) = server.take_output().queries
    server.trunk_disconnected(BALANCER)
    server.answer(ticket, ())
    assert not server.take_output().items


def test_lost_trunk_takes_its_sessions_along_without_a_word() -> None:
    world = World()
    world.join("#a", "alice", "bob")
    server = world.servers[0]
    assert server.session_count == 2
    server.trunk_disconnected(BALANCER)
    output = server.take_output()
    assert server.session_count == 0
    assert not output.items
    assert not output.commands
    assert len(world.state.users) == 2


def test_detach_of_a_session_of_another_node_is_confirmed_when_it_is_closed() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=0)
    server = world.servers[1]
    server.receive(BALANCER, Detach(alice.session, 5, "gone"), world.now())
    output = server.take_output()
    assert not output.items
    world.order(output.commands[0])
    assert server.take_output().items[BALANCER] == [Close(alice.session, 5, b"")]
    assert not world.state.users


def test_detach_of_a_session_that_nobody_knows_is_confirmed_at_once() -> None:
    world = World()
    world.servers[0].receive(BALANCER, Detach(77, 1, "gone"), world.now())
    assert items(world) == [Close(77, 1, b"")]


def test_balancer_that_restarts_ends_its_sessions() -> None:
    world = World()
    alice = world.register("alice")
    world.order(BalancerStarted(BALANCER, 99))
    world.run()
    alice.expect("ERROR :Closing link: host (Balancer restarted)")
    assert world.servers[0].session_count == 0


def test_registration_waits_until_the_log_knows_the_balancer() -> None:
    world = World()
    world.state.balancers.clear()
    client = world.connect()
    client.send("NICK alice", "USER a 0 * :A")
    client.expect_nothing()
    world.tick()
    client.expect_nothing()
    world.state.balancers[BALANCER] = 7
    world.tick()
    assert client.commands()[0] == "001"


def test_deliveries_are_averaged() -> None:
    world = World()
    clients = crowd(world, 11)
    server = world.servers[0]
    world.tick()
    before = server.deliveries
    for _ in range(200):
        clients[0].send("PRIVMSG #a :x")
    world.tick(1.0)
    # 2000 lines in a little more than a second, of which a fifth counts.
    assert 300 < server.deliveries - before < 400
    for _ in range(60):
        world.tick(1.0)
    assert server.deliveries < 1


def test_failed_entry_does_not_stop_anybody() -> None:
    world = World()
    alice = world.register("alice")
    world.servers[0].show(Applied(Position(99), 1, failure="malformed"))
    alice.send("PING 1")
    assert alice.commands() == ["PONG"]


def test_tick_needs_no_clients() -> None:
    world = World()
    world.servers[0].tick(Instant(1.0, 1000))
    world.servers[0].tick(Instant(1.0, 1000))
    assert world.servers[0].deliveries == 0
