"""ChanServ: what people on networks with services expect of it."""

import re

import pytest

from support.dialogue import Client, World


def register(world: World, nick: str, account: str = "", *, node: int = 0) -> Client:
    client = world.connect(node=node)
    if account:
        world.own(client, account)
    client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    assert "001" in client.commands()
    return client


def said(client: Client) -> list[str]:
    return client.service_texts("ChanServ")


@pytest.fixture
def world() -> World:
    return World(nodes=2)


@pytest.fixture
def alice(world: World) -> Client:
    """Return the founder of #a, who is in it."""
    client = register(world, "alice", "Alice")
    client.send("JOIN #a", "CS REGISTER #a")
    assert said(client) == ["#a is now registered to you. Its settings are kept while it is empty."]
    return client


def code_of(client: Client) -> str:
    (text,) = said(client)
    found = re.search(r"send: (.*)$", text)
    assert found is not None
    return found[1]


def test_the_founder_is_operator_again_and_everybody_sees_it(world: World, alice: Client) -> None:
    alice.send("TOPIC #a :tea", "MODE #a +b mallory", "PART #a")
    bob = register(world, "bob")
    bob.send("JOIN #a")
    bob.expect(
        ":bob!bob@host JOIN #a",
        ":roost.local 332 bob #a tea",
        ":roost.local 333 bob #a alice!alice@host 1700000000",
        ":roost.local 353 bob = #a :bob",
        ":roost.local 366 bob #a :End of /NAMES list",
    )
    alice.lines()
    alice.send("JOIN #a")
    given = ":ChanServ!ChanServ@services.roost.local MODE #a +o alice"
    alice.expect(
        ":alice!alice@host JOIN #a",
        ":roost.local 332 alice #a tea",
        ":roost.local 333 alice #a alice!alice@host 1700000000",
        ":roost.local 353 alice = #a :bob @alice",
        ":roost.local 366 alice #a :End of /NAMES list",
        given,
    )
    bob.expect(":alice!alice@host JOIN #a", given)


def test_who_may_register_what(world: World, alice: Client) -> None:
    bob, dora = register(world, "bob", "bob"), register(world, "dora")
    alice.send("CS REGISTER #a", "CS REGISTER #none", "CS REGISTER")
    assert said(alice) == [
        "#a is already registered.",
        "#none does not exist.",
        "Usage: REGISTER <room>",
    ]
    dora.send("JOIN #d", "CS REGISTER #d")
    bob.send("CS REGISTER #d")
    assert said(dora) == ["You must be logged in to an account."]
    assert said(bob) == ["You must be an operator of #d."]


def test_dropping_needs_the_code_that_it_tells(world: World, alice: Client) -> None:
    alice.send("CS DROP #a", "CS DROP #a 00000000")
    first, second = said(alice)
    assert first == second
    alice.send("CS " + first.partition("send: ")[2])
    assert said(alice) == ["#a is no longer registered."]
    alice.send("CS INFO #a")
    assert said(alice) == ["#a is not registered."]


def test_dropping_is_the_founders(world: World, alice: Client) -> None:
    bob = register(world, "bob", "bob")
    bob.send("CS DROP #a", "CS UNREGISTER #a code")
    assert said(bob) == ["You are not allowed to do that in #a."] * 2


def test_accounts_get_a_status(world: World, alice: Client) -> None:
    bob = register(world, "bob", "Bob")
    bob.send("JOIN #a")
    alice.lines()
    bob.lines()
    alice.send("CS AMODE #a +o bob")
    given = ":ChanServ!ChanServ@services.roost.local MODE #a +o bob"
    alice.expect(
        ":ChanServ!ChanServ@services.roost.local NOTICE alice :Bob now has operator in #a.",
        given,
    )
    bob.expect(given)
    bob.send("CS AMODE #a", "CS AMODE #a +v alice")
    assert said(bob) == [
        "Alice is the founder of #a.",
        "Bob has +o.",
        "End of list for #a.",
        "You are not allowed to do that in #a.",
    ]
    alice.send("CS AMODE #a -v bob", "CS AMODE #a +q bob", "CS AMODE #a -o bob", "CS AMODE #a +o x")
    assert said(alice) == [
        "bob does not have +v in #a.",
        "Expected +o, -o, +v or -v, and an account.",
        "Bob no longer has a status in #a.",
        "x is not an account.",
    ]


def test_a_transfer_is_confirmed_and_accepted(world: World, alice: Client) -> None:
    bob = register(world, "bob", "bob")
    bob.send("CS TRANSFER ACCEPT #a")
    alice.send("CS TRANSFER #a bob")
    command = code_of(alice)
    assert said(bob) == ["You are not allowed to do that in #a."]
    alice.send(f"CS {command}")
    assert said(alice) == ["#a will belong to bob when they send: TRANSFER ACCEPT #a"]
    bob.send("CS INFO #a", "CS TRANSFER ACCEPT #a", "CS INFO #a")
    told = said(bob)
    assert told[0] == "#a belongs to Alice."
    assert told[2:5] == ["It is offered to bob.", "#a now belongs to you.", "#a belongs to bob."]


def test_status_by_right(world: World, alice: Client) -> None:
    bob = register(world, "bob", "bob")
    bob.send("JOIN #a", "CS OP #a")
    assert said(bob) == ["You are not allowed to do that in #a."]
    alice.lines()
    alice.send("CS VOICE #a bob", "CS DEVOICE #a bob", "CS DEOP #a", "CS OP #a", "CS OP #a x")
    masked = [line.partition(" MODE ")[2] for line in alice.lines() if " MODE " in line]
    assert masked == ["#a +v bob", "#a -v bob", "#a -o alice", "#a +o alice"]


def test_bans_and_people_are_cleared(world: World, alice: Client) -> None:
    bob = register(world, "bob", "bob")
    bob.send("JOIN #a")
    alice.send("MODE #a +bb alice ~a:Alice")
    bob.lines()
    alice.lines()
    alice.send("CS UNBAN #a")
    assert [one.parameters for one in bob.messages()] == [
        ("#a", "-bb", "alice!*@*", "~a:Alice"),
    ]
    alice.send("CS CLEAR #a users")
    bob.expect(
        ":ChanServ!ChanServ@services.roost.local KICK #a bob :Cleared by the founder",
    )
    alice.lines()
    alice.send("CS CLEAR #a all", "CS CLEAR #a bans")
    assert said(alice) == ["Expected BANS, ACCESS or USERS.", "Done."]


def test_questions(world: World, alice: Client) -> None:
    alice.send("CS LIST", "CS INFO #a", "CS INFO #none", "CS WHAT", "CS HELP OP")
    assert said(alice) == [
        "#a is yours.",
        "You own 1 of up to 20.",
        "#a belongs to Alice.",
        "It was registered 2023-11-14 22:13:20 UTC.",
        "#none does not exist.",
        "There is no WHAT. Send HELP for a list of commands.",
        "OP <room> [<nick>]",
        "Makes you or another member an operator.",
    ]
    alice.send("CS")
    assert len(said(alice)) == 16


def test_a_message_to_it_is_the_same_as_the_command(world: World, alice: Client) -> None:
    rows = len(world.history.rows)
    alice.send("PRIVMSG chanserv :info #a", "NOTICE ChanServ :INFO #a")
    assert said(alice) == ["#a belongs to Alice.", "It was registered 2023-11-14 22:13:20 UTC."]
    assert len(world.history.rows) == rows


def test_secret_rooms_are_not_told_of(world: World, alice: Client) -> None:
    bob = register(world, "bob", "bob")
    alice.send("MODE #a +s", "PART #a", "CS INFO #a")
    assert said(alice)[0] == "#a belongs to Alice."
    bob.send("CS INFO #a")
    assert said(bob) == ["#a does not exist."]


@pytest.mark.parametrize(
    "line", ["CS OP #a bob", "CS CLEAR #a users", "CS UNBAN #a", "CS AMODE #a +v bob", "JOIN #b"]
)
def test_sessions_that_moved_are_shown_what_chanserv_did(
    world: World, alice: Client, line: str
) -> None:
    bob, carol = register(world, "bob", "bob"), register(world, "carol")
    alice.send("JOIN #b", "CS REGISTER #b", "PART #b")
    for client in (bob, carol):
        client.send("JOIN #a,#b")
    alice.send("MODE #a +b bob")
    for client in (alice, bob, carol):
        client.lines()
    position = world.log[-1].position
    acknowledged = alice.acknowledged
    alice.send(line)
    live = {client: client.lines() for client in (alice, bob, carol)}
    for client, lines in live.items():
        client.node, client.generation = 1, client.generation + 1
        if client is alice:
            client.acknowledged = acknowledged
        world.attach(client, position)
        assert sorted(client.lines()) == sorted(lines)


def test_a_founder_says_how_much_history_is_kept(world: World, alice: Client) -> None:
    done = "Done. INFO #a shows how long its history is kept."
    alice.send("CS KEEP #a 30d 5000")
    assert said(alice) == [done]
    alice.send("CS INFO #a")
    assert said(alice)[2:] == ["Its history is kept for 30 days, up to 5000 messages."]
    alice.send("CS KEEP #a 36h", "CS INFO #a")
    assert said(alice)[3:] == ["Its history is kept for 36 hours."]
    alice.send("CS KEEP #a all", "CS INFO #a")
    assert len(said(alice)) == 3
    for wrong in ("soon", "30d never", "0", "-5", "0d"):
        alice.send(f"CS KEEP #a {wrong}")
        assert said(alice)[0].startswith(
            "Expected a span such as 30d, a number of messages, or ALL"
        )
    for wrong in ("30s", "200y", "999999999"):
        alice.send(f"CS KEEP #a {wrong}")
        assert said(alice) == ["It must be a span from 1m to 100y, or up to 100000 messages."]
    bob = register(world, "bob", "Bob")
    bob.send("CS KEEP #a 1d")
    assert said(bob) == ["You are not allowed to do that in #a."]
