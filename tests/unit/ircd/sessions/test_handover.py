"""What a client missed and what its own lines did come in the order of the log."""

from roost.chat.commands import Act, Operation
from roost.chat.commands.messages import Say
from roost.chat.commands.rooms import Join, Part
from roost.chat.commands.users import ChangeNick
from roost.chat.ids import SessionId
from support.dialogue import Client, World


def cut_off(world: World, client: Client) -> int:
    client.lines()
    world.servers[client.node].trunk_disconnected("b1")
    return world.log[-1].position


def move(world: World, client: Client, node: int, served: int) -> None:
    client.node = node
    client.generation += 1
    world.attach(client, served)


def did(world: World, client: Client, line: str, operation: Operation) -> None:
    """Let a line take effect without the client being told."""
    client.sent.append(line.encode())
    number = len(client.sent)
    session = SessionId(client.session)
    world.order(Act(session, client.generation, number, (operation,)))
    world.run()


def test_echoes_stand_in_their_places_among_what_was_missed() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    bob = world.register("bob", "echo-message")
    for client in (alice, bob):
        client.send("JOIN #a")
        client.lines()
    served = cut_off(world, bob)
    alice.send("PRIVMSG #a :1")
    did(world, bob, "PRIVMSG #a :2", Say("PRIVMSG", "#a", "2"))
    alice.send("PRIVMSG #a :3")
    did(world, bob, "PRIVMSG #a :4", Say("PRIVMSG", "#a", "4"))
    alice.send("PRIVMSG #a :5")
    move(world, bob, 1, served)
    texts = [line.rpartition(" ")[2].removeprefix(":") for line in bob.lines()]
    assert texts == ["1", "2", "3", "4", "5"]
    alice.send("PRIVMSG #a :6")
    bob.expect(":alice!alice@host PRIVMSG #a 6")


def test_lines_that_had_their_effects_are_answered_as_they_were_then() -> None:
    world = World(nodes=2)
    bob = world.register("bob")
    served = cut_off(world, bob)
    did(world, bob, "JOIN #a", Join("#a"))
    did(world, bob, "NICK bert", ChangeNick("bert"))
    did(world, bob, "PART #b", Part("#b", ""))
    did(world, bob, "PART #a", Part("#a", ""))
    move(world, bob, 1, served)
    bob.expect(
        ":bob!bob@host JOIN #a",
        ":roost.local 366 bob #a ...",
        ":bob!bob@host NICK bert",
        ":roost.local 403 bert #b ...",
        ":bert!bob@host PART #a",
    )
    assert bob.acknowledged == len(bob.sent)


def test_a_nickname_that_was_refused_stays_refused_when_the_registration_is_replayed() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    client = world.connect()
    client.send("NICK alice", "USER a 0 * :Alice")
    assert client.commands() == ["433"]
    served = cut_off(world, client)
    alice.send("QUIT")
    move(world, client, 1, served)
    client.expect_nothing()
    client.send("NICK alice2")
    assert client.lines()[0].startswith(":roost.local 001 alice2 ")


def test_a_client_that_is_gone_is_not_given_back_but_ended() -> None:
    world = World()
    bob = world.register("bob")
    world.is_log_stopped = True
    bob.send("PRIVMSG bob :last words")
    bob.disconnect("gone")
    world.servers[0].reset(world.state)
    world.is_log_stopped = False
    world.run()
    assert not bob.refusal
    assert bob.is_closed
    assert not world.state.users


def test_nobody_is_confirmed_to_be_gone_before_the_log_has_it() -> None:
    world = World(nodes=2)
    client = world.connect()
    client.send("NICK alice")
    cut_off(world, client)
    world.is_log_stopped = True
    client.node = 1
    client.disconnect()
    was_closed_at_once = client.is_closed
    world.is_log_stopped = False
    world.run()
    assert (was_closed_at_once, client.is_closed) == (False, True)
    assert SessionId(client.session) in world.state.closed_sessions
