"""Sessions move between nodes without their clients noticing."""

import pytest

from roost.chat.commands import Act
from roost.chat.commands.messages import Say
from roost.chat.commands.rooms import Join
from roost.chat.commands.sessions import CloseSession
from roost.chat.commands.users import SetCapabilities
from roost.chat.ids import SessionId
from roost.irc.capabilities import Capability
from roost.ircd.config import Config
from support.dialogue import Client, World, parse

STAMPED = ("server-time", "message-tags", "echo-message", "away-notify", "setname")


def cut_off(world: World, client: Client) -> int:
    """Kill the client's node; return how far the client was served."""
    client.lines()
    server = world.servers[client.node]
    server.trunk_disconnected("b1")
    return world.log[-1].position


def move(world: World, client: Client, node: int, served: int) -> None:
    client.node = node
    client.generation += 1
    world.attach(client, served)


def said(client: Client, generation: int, text: str) -> Act:
    """Return the command that a node creates from the client's last line."""
    say = Say("PRIVMSG", "#a", text)
    return Act(SessionId(client.session), generation, len(client.sent), (say,))


def join_unanswered(world: World, client: Client, room: str) -> None:
    """Let a client's JOIN take effect, and its answer be lost with its node."""
    client.sent.append(f"JOIN {room}".encode())
    line = len(client.sent)
    world.order(Act(SessionId(client.session), client.generation, line, (Join(room),)))


def test_what_was_missed_is_sent_as_it_would_have_been_live() -> None:
    world = World(nodes=2)
    alice = world.register("alice", *STAMPED, node=1)
    bob = world.register("bob", *STAMPED, node=0)
    witness = world.register("wilma", *STAMPED, node=1)
    for client in (alice, bob, witness):
        client.send("JOIN #a")
    for client in (alice, witness):
        client.lines()
    served = cut_off(world, bob)
    alice.send(
        "PRIVMSG #a :one",
        "@+x=1 TAGMSG #a",
        "TOPIC #a :eggs",
        "MODE #a +m",
        "AWAY :tea",
        "SETNAME :Al",
        "NICK alicia",
        "PART #a :bye",
        "JOIN #a",
        "QUIT :gone",
    )
    live = witness.lines()
    assert len(live) == 11
    move(world, bob, 1, served)
    assert bob.lines() == live


def test_private_things_are_sent_too() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    bob.send("MONITOR + carol")
    alice.send("JOIN #b")
    served = cut_off(world, bob)
    alice.send("PRIVMSG bob :psst", "NOTICE alice :not yours", "INVITE bob #b")
    world.register("carol", node=1)
    move(world, bob, 1, served)
    bob.expect(
        ":alice!alice@host PRIVMSG bob psst",
        ":alice!alice@host INVITE bob #b",
        ":roost.local 730 * carol!carol@host",
    )


def test_memberships_of_the_time_decide_what_is_sent() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    for room in ("#a", "#b"):
        alice.send(f"JOIN {room}")
        bob.send(f"JOIN {room}")
    served = cut_off(world, bob)
    alice.send(
        "PRIVMSG #a :while there",
        "KICK #a bob :out",
        "PRIVMSG #a :behind the back",
        "PRIVMSG #b :still there",
        "PRIVMSG @#b :operators only",
    )
    move(world, bob, 1, served)
    bob.expect(
        ":alice!alice@host PRIVMSG #a :while there",
        ":alice!alice@host KICK #a bob out",
        ":alice!alice@host PRIVMSG #b :still there",
    )


def test_line_whose_answer_was_lost_takes_effect_once_and_is_answered_once() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    bob = world.register("bob", "echo-message", "server-time", "message-tags")
    alice.send("JOIN #a")
    bob.send("JOIN #a")
    alice.lines()
    served = cut_off(world, bob)
    # The line reached the log, but neither its echo nor its acknowledgement the client.
    bob.sent.append(b"PRIVMSG #a :only once")
    world.order(said(bob, bob.generation, "only once"))
    world.run()
    alice.expect(":bob!bob@host PRIVMSG #a :only once")
    move(world, bob, 1, served)
    alice.expect_nothing()
    bob.expect("@time=...;msgid=... :bob!bob@host PRIVMSG #a :only once")
    assert bob.acknowledged == len(bob.sent)


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_registration_goes_on_elsewhere(lines: int) -> None:
    world = World(nodes=2)
    client = world.connect()
    script = ["CAP LS 302", "NICK alice", "USER a 0 * :Alice", "CAP END"]
    client.send(*script[:lines])
    seen = client.lines()
    served = cut_off(world, client)
    move(world, client, 1, served)
    client.expect_nothing()
    client.send(*script[lines:])
    rest = client.messages()
    assert seen[0].startswith(":roost.local CAP * LS ")
    assert [line.command for line in rest].count("CAP") == 0
    assert rest[0].command == "001"


def test_registration_whose_welcome_was_lost_is_welcomed_and_told_what_it_missed() -> None:
    world = World(nodes=2)
    client = world.connect()
    world.is_log_stopped = True
    client.send("NICK alice", "USER a 0 * :Alice")
    served = cut_off(world, client)
    world.is_log_stopped = False
    world.run()
    assert "alice" in world.state.nicks
    world.register("bob", node=1).send("PRIVMSG alice :welcome!")
    move(world, client, 1, served)
    lines = client.lines()
    assert lines[0].startswith(":roost.local 001 alice ")
    assert lines[-1] == ":bob!bob@host PRIVMSG alice :welcome!"
    assert sum(" PRIVMSG alice " in line for line in lines) == 1
    client.send("JOIN #a", "PRIVMSG bob :thanks")
    assert client.commands() == ["JOIN", "353", "366"]


def test_registration_with_a_refused_nickname_is_replayed_as_it_was() -> None:
    world = World(nodes=2)
    world.register("alice", node=1)
    client = world.connect()
    client.send("NICK alice", "USER a 0 * :Alice", "PING 1")
    assert client.commands() == ["433", "PONG"]
    world.is_log_stopped = True
    client.send("NICK alice2")
    served = cut_off(world, client)
    world.is_log_stopped = False
    world.run()
    move(world, client, 1, served)
    assert client.lines()[0].startswith(":roost.local 001 alice2 ")
    client.send("PING 2")
    assert client.commands() == ["PONG"]
    assert client.acknowledged == 5


def test_old_node_is_fenced_off() -> None:
    world = World(nodes=2)
    alice, bob = world.join("#a", "alice", "bob")
    served = world.log[-1].position
    old_generation = bob.generation
    move(world, bob, 1, served)
    bob.lines()
    # What the old node still asks for is not done, and it serves the session no more.
    assert world.servers[0].session_count == 1
    assert world.servers[1].session_count == 1
    assert world.order(said(bob, old_generation, "from the grave")).is_fenced
    alice.expect_nothing()
    alice.send("PRIVMSG #a :hello")
    bob.expect(":alice!alice@host PRIVMSG #a hello")


def test_session_that_ended_meanwhile_is_closed() -> None:
    world = World(nodes=2)
    bob = world.register("bob")
    served = cut_off(world, bob)
    world.order(CloseSession(SessionId(bob.session), "gone"))
    move(world, bob, 1, served)
    bob.expect("ERROR :Closing link: host (Session ended)")
    assert bob.is_closed


def test_attachment_that_is_too_old_is_refused() -> None:
    world = World(nodes=2, config=Config(recent_entries=3))
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    served = cut_off(world, bob)
    alice.send(*[f"PRIVMSG alice :{number}" for number in range(5)])
    move(world, bob, 1, served)
    assert bob.refusal
    assert len(world.state.users) == 2


def test_snapshot_gives_the_sessions_back() -> None:
    world = World()
    bob = world.register("bob")
    waiting = world.connect()
    world.servers[0].reset(world.state)
    world.run()
    assert bob.refusal == "the node was too far behind"
    assert not waiting.is_closed


RESUMABLE = ("roost.chat/resume", "message-tags", "echo-message")


def test_what_was_missed_looks_as_the_client_could_show_it_then() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    for client in (alice, bob):
        client.send("JOIN #a")
    served = cut_off(world, bob)
    bob.sent.append(b"CAP REQ :server-time")
    alice.send("PRIVMSG #a :before")
    wanted = (SetCapabilities(Capability.SERVER_TIME.value),)
    world.order(Act(SessionId(bob.session), bob.generation, len(bob.sent), wanted))
    alice.send("PRIVMSG #a :after")
    move(world, bob, 1, served)
    before, acknowledgement, after = bob.lines()
    assert before == ":alice!alice@host PRIVMSG #a :before"
    assert " CAP bob ACK :server-time" in acknowledgement
    assert after.startswith("@time=")


def resumable(world: World, nick: str, *, node: int) -> tuple[Client, str]:
    """Register a client in #a that can resume; return it and its token."""
    client = world.connect(node=node)
    client.send(f"CAP REQ :{' '.join(RESUMABLE)}", f"NICK {nick}", "USER a 0 * :A", "CAP END")
    token = client.lines()[-1].split()[3]
    client.send("JOIN #a")
    client.lines()
    return client, token


@pytest.mark.parametrize("is_in_log", [True, False])
def test_resuming_goes_on_elsewhere_when_the_node_dies(is_in_log: bool) -> None:
    world = World(nodes=2)
    bob = world.register("bob", "message-tags", node=1)
    bob.send("JOIN #a")
    _, token = resumable(world, "alice", node=1)
    seen = bob.messages()[-1].tags[0][1]
    bob.send("PRIVMSG #a :missed")
    world.restart_balancer()
    bob = world.register("robert", node=1)
    bob.send("JOIN #a", "PRIVMSG #a :one")
    bob.lines()
    client = world.connect()
    client.send(f"CAP REQ :{' '.join(RESUMABLE)}", f"RESUME {token} {seen}")
    client.lines()
    world.is_log_stopped = True
    client.send("CAP END")
    served = cut_off(world, client)
    world.is_log_stopped = False
    if is_in_log:
        world.run()
    else:
        world.pending.clear()
    bob.send("PRIVMSG #a :two", "PRIVMSG alice :three")
    move(world, client, 1, served)
    lines = client.lines()
    assert lines[0] == ":roost.local RESUME SUCCESS alice"
    texts = [line.rpartition(":")[2] for line in lines if " PRIVMSG " in line]
    assert texts == ["missed", "one", "two", "three"]
    bob.expect_nothing()
    client.send("PRIVMSG #a :back")
    client.expect(":alice!a@host PRIVMSG #a :back")
    bob.expect(":alice!a@host PRIVMSG #a :back")


def test_resuming_without_a_mark_replays_nothing_when_the_node_dies() -> None:
    world = World(nodes=2)
    bob = world.register("bob", node=1)
    bob.send("JOIN #a")
    _, token = resumable(world, "alice", node=1)
    client = world.connect()
    client.send("CAP REQ roost.chat/resume", f"RESUME {token}")
    world.is_log_stopped = True
    bob.send("PRIVMSG #a :before")
    client.send("CAP END")
    served = cut_off(world, client)
    world.is_log_stopped = False
    world.run()
    bob.send("PRIVMSG #a :after")
    move(world, client, 1, served)
    texts = [line for line in client.lines() if " PRIVMSG " in line]
    assert texts == [":bob!bob@host PRIVMSG #a :after"]


@pytest.mark.parametrize("has_nick", [True, False])
def test_failed_resumption_is_replayed_as_it_was(has_nick: bool) -> None:
    world = World(nodes=2)
    old, token = resumable(world, "alice", node=1)
    old.send("QUIT")
    client = world.connect()
    client.send("CAP REQ roost.chat/resume", f"RESUME {token}")
    introduction = ("NICK alice", "USER a 0 * :A")
    client.lines()
    if has_nick:
        client.send(*introduction)
        world.is_log_stopped = True
        client.send("CAP END")
    else:
        client.send("CAP END")
        assert " FAIL RESUME EXPIRED " in client.lines()[0]
        world.is_log_stopped = True
        client.send(*introduction)
    served = cut_off(world, client)
    world.is_log_stopped = False
    world.run()
    move(world, client, 1, served)
    lines = client.lines()
    fails = [line for line in lines if " FAIL " in line]
    assert len(fails) == int(has_nick)
    assert lines[len(fails)].startswith(":roost.local 001 alice ")
    client.send("PING 1")
    assert client.commands() == ["PONG"]


def test_names_that_others_took_over_in_what_was_missed_are_listed_again() -> None:
    """The answer to JOIN lists who is in the room by now; what is shown after it is older."""
    world = World(nodes=2)
    alice, carol = world.join("#a", "alice", "carol")
    bob = world.register("bob")
    for client in (alice, carol):
        move(world, client, 1, world.log[-1].position)
    served = cut_off(world, bob)
    join_unanswered(world, bob, "#a")
    alice.send("NICK gone", "QUIT")
    carol.send("NICK alice")
    move(world, bob, 1, served)
    listed = (":roost.local 353 bob = #a :alice bob", ":roost.local 366 bob #a :End of /NAMES list")
    bob.expect(
        ":bob!bob@host JOIN #a",
        *listed,
        ":alice!alice@host NICK gone",
        ":gone!alice@host QUIT :Quit: ",
        ":carol!carol@host NICK alice",
        *listed,
    )


def test_a_former_name_in_one_room_misleads_about_who_has_it_in_another() -> None:
    """The client takes carol, who is called alice by now, for her who was called so before."""
    world = World(nodes=2)
    alice, witness = world.join("#a", "alice", "wilma")
    carol = world.register("carol")
    bob = world.register("bob")
    carol.send("JOIN #b")
    bob.send("JOIN #a")
    for client in (alice, carol, witness):
        move(world, client, 1, world.log[-1].position)
    served = cut_off(world, bob)
    join_unanswered(world, bob, "#b")
    alice.send("NICK alicia")
    carol.send("NICK alice")
    move(world, bob, 1, served)
    listed = (
        ":roost.local 353 bob = #b :@alice bob",
        ":roost.local 366 bob #b :End of /NAMES list",
    )
    bob.expect(
        ":bob!bob@host JOIN #b",
        *listed,
        ":alice!alice@host NICK alicia",
        ":carol!carol@host NICK alice",
        # A list takes nothing away, but a new beginning does.
        ":bob!bob@host JOIN #b",
        *listed,
    )


def test_names_are_not_listed_again_without_need() -> None:
    world = World(nodes=2)
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    alice.send("JOIN #a")
    served = cut_off(world, bob)
    join_unanswered(world, bob, "#a")
    alice.send("PRIVMSG #a :hello", "NICK al", "PART #a", "JOIN #a", "QUIT")
    world.register("alice", node=1).send("JOIN #a")
    move(world, bob, 1, served)
    answer = ["JOIN", "353", "366"]
    missed = ["PRIVMSG", "NICK", "PART", "JOIN", "QUIT", "JOIN"]
    assert bob.commands() == [*answer, *missed], "whoever has the name now entered with it"


def test_whoever_was_in_the_room_knows_whose_names_were_taken_over() -> None:
    world = World(nodes=2)
    bob, alice, carol = world.join("#a", "bob", "alice", "carol")
    for client in (alice, carol):
        move(world, client, 1, world.log[-1].position)
    served = cut_off(world, bob)
    bob.sent += [b"NAMES #a", b"PRIVMSG #a :hello"]
    world.order(said(bob, bob.generation, "hello"))
    alice.send("NICK gone", "QUIT")
    carol.send("NICK alice")
    move(world, bob, 1, served)
    assert bob.commands() == ["353", "366", "NICK", "QUIT", "NICK"]


def test_what_a_client_said_to_itself_comes_before_the_echo_as_it_does_live() -> None:
    world = World(nodes=2)
    bob = world.register("bob", "echo-message")
    bob.send("AWAY :tea")
    bob.lines()
    bob.send("PRIVMSG bob :hello")
    live = bob.lines()
    served = cut_off(world, bob)
    bob.sent.append(b"PRIVMSG bob :hello")
    line, say = len(bob.sent), Say("PRIVMSG", "bob", "hello")
    world.order(Act(SessionId(bob.session), bob.generation, line, (say,)))
    move(world, bob, 1, served)
    assert bob.lines() == live
    assert [parse(one).command for one in live] == ["PRIVMSG", "PRIVMSG", "301"]
