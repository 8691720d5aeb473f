"""chghost (ircv3.net/specs/extensions/chghost), and HostServ's virtual hosts."""

import pytest

from roost.chat.commands.accounts import LogIn, LogOut, UseHost
from roost.chat.ids import AccountId, FoldedAccount
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

HOST = "of.alice"
OLD, NEW = ":alice!alice@host", f":alice!alice@{HOST}"


def account(world: World, name: str = "Alice", host: str = HOST) -> AccountId:
    world.own(world.connect(), name)
    known = world.state.accounts[FoldedAccount(name.lower())]
    known.virtual_host = host
    return known.id


def in_rooms(world: World, nick: str, *capabilities: str, node: int = 0) -> Client:
    client = world.register(nick, *capabilities, node=node)
    client.send("JOIN #a", "JOIN #b")
    client.lines()
    return client


def operator(world: World) -> Client:
    client = world.register("oper")
    user = world.state.users[world.state.sessions[client.session].user]  # type: ignore[index]
    user.modes = "o"
    return client


def test_common_rooms_and_the_client_itself_are_told_once() -> None:
    """When a client username or host is changed, servers MUST send the `CHGHOST` message to other
    clients who share channels with the target client and who have enabled the `chghost`
    capability. Servers SHOULD also send the `CHGHOST` message to the client whose own username or
    host changed, if that client also supports the `chghost` capability."""
    world = World(nodes=2)
    alice = in_rooms(world, "alice", "chghost")
    bob = in_rooms(world, "bob", "chghost", node=1)
    stranger = world.register("dave", "chghost")
    alice.lines()
    world.act(alice, LogIn(account(world)))
    bob.expect(f"{OLD} CHGHOST alice {HOST}")
    stranger.expect_nothing()
    alice.lines()
    alice.send("HS OFF")
    alice.expect_some(f"{NEW} CHGHOST alice host")
    bob.expect(f"{NEW} CHGHOST alice host")
    alice.send("HS ON")
    bob.expect(f"{OLD} CHGHOST alice {HOST}")
    world.act(alice, LogOut())
    bob.expect(f"{NEW} CHGHOST alice host")
    stranger.send("WHOIS alice")
    stranger.expect_some(":roost.local 311 dave alice alice host * Alice")


def test_who_does_not_know_it_sees_a_reconnection() -> None:
    """When the capability is not enabled for other clients [...] the simulated events SHOULD
    include appropriate `QUIT`, `JOIN` and `MODE` commands, to restore membership and user channel
    modes."""
    world = World(nodes=2)
    alice = in_rooms(world, "alice", "away-notify")
    plain = world.register("plain", node=1)
    fuller = world.register("fuller", "extended-join", "away-notify")
    for client in (plain, fuller):
        client.send("JOIN #a")
    alice.send("MODE #a +v alice", "AWAY :tea")
    for client in (alice, plain, fuller):
        client.lines()
    world.act(alice, LogIn(account(world)))
    plain.expect(
        f"{OLD} QUIT :Changing host",
        f"{NEW} JOIN #a",
        ":roost.local MODE #a +ov alice alice",
    )
    fuller.expect(
        f"{OLD} QUIT :Changing host",
        f"{NEW} JOIN #a Alice Alice",
        ":roost.local MODE #a +ov alice alice",
        f"{NEW} AWAY tea",
    )
    alice.send("HS OFF")
    alice.expect_some(":roost.local 396 alice host :is now your displayed host")


def test_who_logs_in_before_has_the_host_from_the_beginning() -> None:
    world = World()
    account(world)
    bob = world.register("bob", "chghost")
    bob.send("MONITOR + alice", "JOIN #a")
    bob.lines()
    alice = world.register("alice", "chghost", account="Alice")
    alice.send("JOIN #a")
    bob.expect(f":roost.local 730 * alice!alice@{HOST}", f"{NEW} JOIN #a")
    alice.send("WHOIS alice")
    alice.expect_some(":roost.local 378 alice alice :is connecting from alice@host host")


@pytest.mark.parametrize("capabilities", [(), ("chghost",)])
def test_a_client_that_moved_is_told_what_it_missed(capabilities: tuple[str, ...]) -> None:
    told = []
    for is_moved in (False, True):
        world = World(nodes=3)
        alice = in_rooms(world, "alice")
        bob = in_rooms(world, "bob", *capabilities, node=1)
        phone = world.register("bob2", "chghost", "extended-monitor", node=1)
        phone.send("MONITOR + alice")
        phone.lines()
        served = [cut_off(world, client) for client in (bob, phone)] if is_moved else []
        world.act(alice, LogIn(account(world)))
        alice.send("PRIVMSG #a :hi")
        for client, position in zip((bob, phone), served, strict=False):
            move(world, client, 2, position)
        told.append((bob.lines(), phone.lines()))
    assert told[0] == told[1]
    assert len(told[0][0]) == (2 if capabilities else 6)


def test_the_one_who_asked_is_answered_alike_by_the_next_node() -> None:
    answers = []
    for is_moved in (False, True):
        world = World(nodes=2)
        alice = in_rooms(world, "alice", "chghost")
        world.act(alice, LogIn(account(world)))
        alice.lines()
        if is_moved:
            world.is_log_stopped = True
            alice.send("HS OFF")
            served = cut_off(world, alice)
            world.is_log_stopped = False
            world.run()
            move(world, alice, 1, served)
        else:
            alice.send("HS OFF")
        answers.append([line.partition(" ")[2] for line in alice.lines()])
    assert answers[0] == answers[1]
    assert answers[0][1] == "CHGHOST alice host"


def test_the_users_other_client_is_told() -> None:
    world = World(nodes=2)
    number = account(world)
    desk = world.register("alice", "chghost", account="Alice")
    phone = world.register("alice", node=1, account="Alice")
    assert number
    desk.send("HS OFF")
    desk.expect(
        ":HostServ!HostServ@services.roost.local NOTICE alice "
        ":Alice is now shown under the real host.",
        f"{NEW} CHGHOST alice host",
    )
    phone.expect(":roost.local 396 alice host :is now your displayed host")


def test_bans_match_what_is_shown_and_where_people_really_come_from() -> None:
    world = World()
    bob = in_rooms(world, "bob")
    alice = world.register("alice")
    world.act(alice, LogIn(account(world)))
    for mask in ("*!*@host", f"*!*@{HOST}"):
        bob.send(f"MODE #a +b {mask}")
        alice.lines()
        alice.send("JOIN #a")
        alice.expect(":roost.local 474 alice #a :Cannot join channel (+b)")
        bob.send(f"MODE #a -b {mask}")


def test_only_operators_give_hosts() -> None:
    world = World()
    account(world, host="")
    alice = world.register("alice", "chghost", account="Alice")
    alice.send(f"HS SET Alice {HOST}", "HS ON", "HS INFO", "HS INFO Alice")
    texts = [line.parameters[-1] for line in alice.messages()]
    assert texts == [
        "Only operators can set virtual hosts.",
        "You have no virtual host; ask an operator for one.",
        "You come from host.",
        "There is no virtual host.",
        "Only operators can set virtual hosts.",
    ]
    oper = operator(world)
    oper.send("HS SET Alice of..alice", "HS SET nobody a.b", "HS SET Alice no", "HS INFO alice")
    alice.expect(f"{OLD} CHGHOST alice of..alice")
    oper.send("HS DEL alice")
    alice.expect(":alice!alice@of..alice CHGHOST alice host")


@pytest.mark.parametrize("host", ["/a.b", "nodot", "x" * 62 + ".y", "a.b@c", "a.\u00e4"])
def test_a_host_must_fit_wherever_one_stands(host: str) -> None:
    world = World()
    account(world, host="")
    alice = world.register("alice", "chghost", account="Alice")
    oper = operator(world)
    oper.send(f"HS SET Alice {host}")
    alice.expect_nothing()


def test_nothing_is_told_when_nothing_changed() -> None:
    world = World()
    alice = in_rooms(world, "alice", "chghost")
    bob = in_rooms(world, "bob", "chghost")
    world.act(alice, LogIn(account(world, host="")))
    alice.lines()
    world.act(alice, UseHost(True))
    alice.expect_nothing()
    bob.expect_nothing()
