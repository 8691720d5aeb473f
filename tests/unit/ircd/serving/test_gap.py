"""Clients go on although what they missed is not available any more, and are told so."""

import pytest

from roost.chat.apply import apply_entry
from roost.chat.commands import Act, Command, Operation, encode_command
from roost.chat.commands.messages import Say
from roost.chat.commands.rooms import Join, Part
from roost.chat.commands.users import ChangeNick, Monitor, SetAway
from roost.chat.ids import Position, SessionId
from roost.ircd.config import Config
from roost.protocol.trunk import Attach
from support.dialogue import BALANCER, Client, World

ENTRIES = 5
"""Recent entries."""


def forgetful_world() -> World:
    return World(nodes=2, config=Config(recent_entries=ENTRIES))


def cut_off(world: World, client: Client) -> int:
    """Kill the client's node; return how far the client was served."""
    client.lines()
    world.servers[client.node].trunk_disconnected("b1")
    return world.log[-1].position


def order_line(world: World, client: Client, line: str, *operations: Operation) -> None:
    """Let a line take effect whose answer the client does not get."""
    client.sent.append(line.encode())
    number = len(client.sent)
    world.order(Act(SessionId(client.session), client.generation, number, operations))
    world.run()


def forget(world: World, other: Client) -> None:
    """Let so much happen that everything before it is forgotten."""
    for number in range(ENTRIES + 1):
        other.send(f"PRIVMSG {number}nobody :x")


def attach(
    world: World, client: Client, served: int, nick: str = "", rooms: tuple[str, ...] = ()
) -> None:
    """Attach a session to the second node, and resend its lines."""
    client.node = 1
    client.generation += 1
    frame = Attach(
        client.session,
        client.generation,
        client.address,
        False,
        client.acknowledged,
        client.part,
        served,
        is_gap_allowed=True,
        nick=nick,
        rooms=rooms,
    )
    world.servers[1].receive(BALANCER, frame, world.now())
    world.submit(client, client.acknowledged + 1)
    world.run()


def test_a_client_is_told_of_the_gap_and_how_things_are() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "standard-replies")
    bob.send("JOIN #a,#b,#c")
    bob.send("TOPIC #b :eggs")
    alice.send("JOIN #b")
    served = cut_off(world, bob)
    order_line(world, bob, "PART #a", Part("#a", ""))
    order_line(world, bob, "NICK robert", ChangeNick("robert"))
    alice.send("PART #b", "JOIN #c")
    forget(world, alice)
    attach(world, bob, served, "bob", ("#a", "#b", "#c"))
    bob.expect(
        ":roost.local NOTE * HISTORY_LOST :The missed messages are no longer available, use "
        "CHATHISTORY",
        ":bob!bob@host NICK robert",
        ":robert!bob@host PART #a",
        ":roost.local 221 robert +",
        ":roost.local NOTE PART ANSWER_LOST ...",
        ":roost.local NOTE NICK ANSWER_LOST ...",
        ":robert!bob@host JOIN #b",
        ":roost.local 332 robert #b eggs",
        ":roost.local 333 robert #b ...",
        ":roost.local 353 robert = #b @robert",
        ":roost.local 366 robert #b ...",
        ":robert!bob@host JOIN #c",
        ":roost.local 353 robert = #c :@robert alice",
        ":roost.local 366 robert #c ...",
        ":roost.local 305 robert ...",
        ":roost.local 221 robert +",
    )
    alice.lines()
    alice.send("PRIVMSG #c :hello")
    bob.expect(":alice!alice@host PRIVMSG #c hello")


@pytest.mark.parametrize("capability", ["standard-replies", "draft/chathistory", ""])
def test_a_client_is_told_in_words_that_it_understands(capability: str) -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", *filter(None, [capability]))
    served = cut_off(world, bob)
    forget(world, alice)
    attach(world, bob, served, "bob")
    told, *_ = bob.lines()
    command, text = {
        "standard-replies": ("NOTE * HISTORY_LOST", "The missed messages are no longer available"),
        "draft/chathistory": ("NOTICE bob", "*** The missed messages are no longer available"),
        "": ("NOTICE bob", "*** Some messages were missed and are no longer available"),
    }[capability]
    hint = ", use CHATHISTORY" if capability else ""
    assert told.removeprefix(":roost.local ") == f"{command} :{text}{hint}"


def test_each_line_takes_effect_once_and_is_answered_as_well_as_can_be() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "echo-message", "labeled-response", "batch", "standard-replies")
    for client in (alice, bob):
        client.send("JOIN #a")
    alice.lines()
    served = cut_off(world, bob)
    order_line(world, bob, "@label=1 PRIVMSG #a :lost", Say("PRIVMSG", "#a", "lost"))
    bob.sent.append(b"@label=2 PING x")
    order_line(world, bob, "PRIVMSG #a :lost too", Say("PRIVMSG", "#a", "lost too"))
    forget(world, alice)
    order_line(world, bob, "@label=3 PRIVMSG #a :known", Say("PRIVMSG", "#a", "known"))
    bob.sent.append(b"@label=4 PRIVMSG #a :new")
    attach(world, bob, served, "bob", ("#a",))
    bob.expect_some(
        ":roost.local 221 bob +",
        "@label=1 :roost.local NOTE PRIVMSG ANSWER_LOST ...",
        "@label=2 :roost.local PONG roost.local x",
        ":roost.local NOTE PRIVMSG ANSWER_LOST ...",
        "@label=3 :bob!bob@host PRIVMSG #a known",
        "@label=4 :bob!bob@host PRIVMSG #a new",
    )
    heard = [line.parameters[1] for line in alice.messages() if line.command == "PRIVMSG"]
    assert heard == ["lost", "lost too", "known", "new"]
    assert bob.acknowledged == len(bob.sent)


def test_a_line_that_took_effect_is_not_answered_with_what_stands_in_its_way_now() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "standard-replies")
    bob.send("JOIN #a")
    served = cut_off(world, bob)
    order_line(world, bob, "PRIVMSG nobody5 :x", Say("PRIVMSG", "alice", "x"))
    bob.sent.append(b"WHO")
    bob.sent.append(b"JOIN")
    order_line(world, bob, "JOIN #b", Join("#b", ""))
    forget(world, alice)
    attach(world, bob, served, "bob", ("#a",))
    lines = bob.messages()
    assert [line.command for line in lines if line.command in ("401", "403", "461")] == []
    lost = [line.parameters[0] for line in lines if "ANSWER_LOST" in line.parameters]
    assert lost == ["PRIVMSG", "JOIN", "JOIN"]


def test_what_followed_the_gap_is_shown_under_the_nickname_of_the_time() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "standard-replies")
    for client in (alice, bob):
        client.send("JOIN #a")
    served = cut_off(world, bob)
    order_line(world, bob, "NICK bob2", ChangeNick("bob2"))
    forget(world, alice)
    order_line(world, bob, "NICK bob3", ChangeNick("bob3"))
    alice.send("PRIVMSG bob3 :psst")
    attach(world, bob, served, "bob", ("#a",))
    lines = [line for line in bob.lines() if line.split()[1] in ("NICK", "JOIN", "PRIVMSG", "NOTE")]
    assert lines[1:] == [
        ":bob!bob@host NICK bob2",
        lines[2],
        ":bob2!bob@host NICK bob3",
        ":alice!alice@host PRIVMSG bob3 :psst",
        ":bob3!bob@host JOIN #a",
    ]
    assert " NOTE NICK ANSWER_LOST " in lines[2]


def test_a_registration_whose_welcome_was_lost_in_the_gap_is_welcomed() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.connect()
    world.is_log_stopped = True
    bob.send("NICK bob", "USER b 0 * :Bob", "JOIN #a")
    served = cut_off(world, bob)
    world.is_log_stopped = False
    world.run()
    assert "bob" in world.state.nicks
    forget(world, alice)
    attach(world, bob, served)
    lines = bob.messages()
    assert lines[0].command == "001"
    assert [line.command for line in lines].count("JOIN") == 1
    assert bob.acknowledged == 3
    alice.send("PRIVMSG #a :no", "PRIVMSG bob :hello")
    bob.expect(":alice!alice@host PRIVMSG bob hello")


def test_without_leave_a_gap_is_refused_with_how_far_the_node_reaches() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    served = cut_off(world, bob)
    forget(world, alice)
    reaches = world.servers[1].reaches
    assert served < reaches == world.log[-1].position - ENTRIES
    bob.node = 1
    bob.generation += 1
    world.attach(bob, served)
    assert bob.refusal == "the client was served too long ago"


@pytest.mark.parametrize("is_away", [True, False])
@pytest.mark.parametrize("account", ["bob", ""])
def test_a_client_is_told_whether_it_is_away_and_logged_in(*, is_away: bool, account: str) -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "account-notify", account=account)
    served = cut_off(world, bob)
    order_line(world, bob, "AWAY", SetAway("tea" if is_away else ""))
    forget(world, alice)
    attach(world, bob, served, "bob")
    told = [one.command for one in bob.messages()]
    assert ("306" in told, "305" in told) == (is_away, not is_away)
    assert ("900" in told, "901" in told) == (bool(account), not account)


def test_a_client_that_knows_no_accounts_is_not_told_that_it_has_none() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob")
    served = cut_off(world, bob)
    forget(world, alice)
    attach(world, bob, served, "bob")
    assert "901" not in bob.commands()


def test_a_client_is_told_its_monitor_list() -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "standard-replies")
    bob.send("MONITOR + alice,dave")
    served = cut_off(world, bob)
    added = Monitor(is_cleared=False, added=("eve",), removed=("dave",))
    order_line(world, bob, "MONITOR + eve", added)
    forget(world, alice)
    attach(world, bob, served, "bob")
    lines = [line.removeprefix(":roost.local ") for line in bob.lines()]
    assert lines[2].startswith("NOTE MONITOR ANSWER_LOST :")
    assert lines[3:5] == ["732 bob :alice,eve", "733 bob :End of MONITOR list"]
    assert "732 bob :alice,eve" in lines[5:]
    assert "730 bob :alice!alice@host" in lines[5:]
    assert "731 bob :eve" in lines[5:]


@pytest.mark.parametrize("parts", [0, 1, 3])
@pytest.mark.parametrize("is_labelled", [True, False])
def test_the_batch_of_an_answer_that_was_begun_is_closed(parts: int, *, is_labelled: bool) -> None:
    world = forgetful_world()
    alice = world.register("alice", node=1)
    bob = world.register("bob", "labeled-response", "batch", "standard-replies")
    served = cut_off(world, bob)
    order_line(world, bob, f"{'@label=x ' * is_labelled}JOIN #a", Join("#a", ""))
    number = len(bob.sent)
    bob.part = parts
    forget(world, alice)
    attach(world, bob, served, "bob")
    told = [line for line in bob.lines() if "ANSWER_LOST" in line or "BATCH" in line]
    if is_labelled and parts:
        reference = f"{number:x}-0"
        assert told[0].startswith(f"@batch={reference} :roost.local NOTE JOIN ANSWER_LOST ")
        assert told[1:] == [f":roost.local BATCH -{reference}"]
    else:
        (lost,) = told
        assert lost.startswith("@label=x :roost" if is_labelled else ":roost")
    assert bob.acknowledged == number


def test_what_a_client_watched_at_each_moment_is_what_it_is_told() -> None:
    world = World(nodes=2)
    alice, carol, dave = (world.register(nick, node=1) for nick in ("alice", "carol", "dave"))
    bob = world.register("bob")
    bob.send("MONITOR + carol")
    served = cut_off(world, bob)
    carol.send("QUIT")
    dave.send("QUIT")
    changed = Monitor(is_cleared=False, added=("dave",), removed=("carol",))
    order_line(world, bob, "MONITOR + dave", changed)
    world.register("carol", node=1)
    world.register("dave", node=1)
    attach(world, bob, served, "bob")
    lines = [line for line in bob.lines() if line.split()[1] in ("730", "731")]
    assert lines == [
        ":roost.local 731 * :carol",
        ":roost.local 730 bob :dave!dave@host",
        ":roost.local 730 * :dave!dave@host",
    ]
    del alice


# Registrations that a snapshot overtakes


def skip(world: World, command: Command) -> None:
    """Apply a command that the nodes do not get to see, because it is part of a snapshot."""
    position = Position(world.state.position + 1)
    apply_entry(world.state, encode_command(command), position, world.time_ms)
    for server in world.servers:
        server.reset(world.state)
    world.run()


def test_a_registration_that_was_refused_in_a_snapshot_is_tried_anew() -> None:
    world = World()
    world.register("alice")
    late = world.connect()
    world.is_log_stopped = True
    late.send("NICK alice", "USER l 0 * :Late")
    (refused,) = world.pending
    skip(world, refused)
    world.is_log_stopped = False
    # The node asks again, because it never saw what became of its command.
    world.run()
    assert late.refusal == "the registration was overtaken"
    assert "ERROR" not in "".join(late.lines())
    late.is_closed = False
    late.generation += 1
    world.attach(late, 0)
    assert late.commands() == ["433"]
    late.send("NICK late")
    assert late.commands()[0] == "001"
