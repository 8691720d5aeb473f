"""NickServ: what people on networks with services expect of it."""

import re
from collections.abc import Iterable

import pytest

from roost.chat.applied import Applied
from roost.chat.commands import Command, encode_command
from roost.chat.ids import FoldedNick
from roost.chat.settings import Settings
from roost.ircd.sessions.work import WorkFailed
from support.dialogue import Client, World

PASSWORD = "correct-horse"
CERTIFICATE = "ab" * 32
OTHER = "cd" * 32


def register(
    world: World,
    nick: str,
    account: str = "",
    *,
    certificate: str = "",
    node: int = 0,
    address: str = "host",
) -> Client:
    client = world.connect(certificate=certificate, node=node, address=address)
    if account:
        world.own(client, account)
    client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    assert "001" in client.commands()
    return client


def said(client: Client) -> list[str]:
    return client.service_texts("NickServ")


@pytest.fixture
def world() -> World:
    return World(nodes=2)


@pytest.fixture
def alice(world: World) -> Client:
    """Return a client that has just registered an account."""
    client = register(world, "Alice")
    client.send(f"NS REGISTER {PASSWORD}")
    assert said(client) == [
        "Alice is now your account, and the nickname is reserved for you.",
        "You are logged in as Alice.",
    ]
    return client


def test_who_registers_owns_the_nickname(world: World, alice: Client) -> None:
    alice.send("QUIT")
    mallory = world.connect()
    mallory.send("NICK alice", "USER m 0 * :m")
    assert "001" not in mallory.commands()
    mallory.send("NICK mallory")
    assert "001" in mallory.commands()
    mallory.send("NICK ALICE")
    assert "NICK" not in mallory.commands()
    assert FoldedNick("alice") not in world.state.nicks


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("NS REGISTER", "Usage: REGISTER <password> [<email>|<code>]"),
        ("NS REGISTER short", "A password must have at least 8 characters."),
        ("NS REGISTER bobbobbob", "This password is too easy to guess."),
        ("NS REGISTER ........", "This password is too easy to guess."),
        (
            "NS REGISTER correct horse",
            "The password must not contain spaces. An email address may follow it.",
        ),
        ("NS SET PASSWORD correct-horse", "You must be logged in to an account."),
        ("NS SET NOTHING", "Expected one of PASSWORD, ALWAYS-ON, EMAIL, AUTOREPLAY-LINES."),
        ("NS DROP", "You must be logged in to an account."),
        ("NS INFO", "You must be logged in to an account."),
        ("NS INFO nobody", "There is no such account."),
        ("NS LOGOUT", "You must be logged in to an account."),
        ("NS CERT ADD", "You must be logged in to an account."),
        ("NS SET ALWAYS-ON on", "Log in to an account first."),
        (
            "NS IDENTIFY",
            "Send your password, or connect with a certificate that the account accepts.",
        ),
        ("NS WHAT", "There is no WHAT. Send HELP for a list of commands."),
    ],
)
def test_what_cannot_be_done_is_told(world: World, line: str, answer: str) -> None:
    bob = register(world, "bobbobbob")
    bob.send(line)
    assert said(bob) == [answer]
    assert not world.state.accounts


def test_an_email_address_is_not_kept(world: World) -> None:
    bob = register(world, "bob")
    bob.send(f"NS REGISTER {PASSWORD} bob@example.org")
    assert len(said(bob)) == 2
    assert b"example" not in b"".join(log_of(world, bob))


def log_of(world: World, client: Client) -> Iterable[bytes]:
    """Return everything in the log as text."""
    yield repr(world.log).encode()
    yield repr(world.state).encode()


def test_one_account_each(alice: Client) -> None:
    alice.send("NS REGISTER another-one", "NICK alicia", "NS REGISTER another-one")
    assert said(alice) == ["You are logged in as Alice."] * 2


def test_the_password_logs_in(world: World, alice: Client) -> None:
    bob = register(world, "bob")
    bob.send("NS IDENTIFY alice wrong-horse", f"NS IDENTIFY nobody {PASSWORD}")
    assert said(bob) == ["Wrong account name or password."] * 2
    bob.send(f"PRIVMSG NickServ :identify aLICE {PASSWORD}")
    assert said(bob) == ["You are logged in as Alice."]
    bob.send("WHOIS bob")
    assert any(one.command == "330" for one in bob.messages())
    bob.send("NS LOGOUT", "NS LOGOUT")
    assert said(bob) == ["You are logged out.", "You must be logged in to an account."]


def test_the_nickname_stands_for_the_account(world: World, alice: Client) -> None:
    alice.send("NS LOGOUT", f"NS IDENTIFY {PASSWORD}")
    assert said(alice) == ["You are logged out.", "You are logged in as Alice."]


def test_attempts_are_counted_over_all_nodes(world: World) -> None:
    world = World(nodes=2, settings=Settings(logins_per_account_max=3))
    alice = register(world, "alice")
    alice.send(f"NS REGISTER {PASSWORD}")
    first = register(world, "first", address="10.0.0.1")
    second = register(world, "second", address="10.0.0.2", node=1)
    for client in (first, second, first):
        client.send("NS IDENTIFY alice guess-guess")
        assert said(client) == ["Wrong account name or password."]
    second.send(f"NS IDENTIFY alice {PASSWORD}")
    assert said(second) == ["Too many attempts, try again in 300 s."]


def test_a_new_password_takes_the_place_of_the_old_one(world: World, alice: Client) -> None:
    alice.send("NS SET PASSWORD", "NS SET PASSWORD another-horse")
    assert said(alice) == [
        "SET PASSWORD needs the new password, without spaces.",
        "Your password is changed.",
    ]
    bob = register(world, "bob")
    bob.send(f"NS IDENTIFY alice {PASSWORD}", "NS IDENTIFY alice another-horse")
    assert said(bob) == ["Wrong account name or password.", "You are logged in as Alice."]


def test_dropping_needs_the_code_that_it_tells(world: World, alice: Client) -> None:
    alice.send("JOIN #a", "CS REGISTER #a")
    alice.lines()
    alice.send("NS DROP", "NS DROP 00000000")
    _, first, _, second = said(alice)
    assert first == second
    found = re.search(r"send: (DROP [0-9a-f]{8})$", first)
    assert found is not None
    alice.send(f"NS {found[1]}")
    assert said(alice) == ["You are logged out.", "The account Alice is deleted."]
    assert not world.state.accounts
    assert not world.state.founded
    alice.send(f"NS REGISTER {PASSWORD}")
    alice.lines()
    alice.send("NS DROP")
    assert found[1] not in said(alice)[1]


def test_certificates_open_the_account(world: World) -> None:
    alice = register(world, "alice", certificate=CERTIFICATE)
    alice.send(f"NS REGISTER {PASSWORD}")
    alice.lines()
    colons = ":".join(OTHER[i : i + 2] for i in range(0, 64, 2)).upper()
    alice.send("NS CERT ADD", f"NS CERT ADD {colons}", "NS CERT LIST", "NS CERT ADD abc")
    assert said(alice) == [
        f"Your account now accepts the certificate {CERTIFICATE}.",
        f"Your account now accepts the certificate {OTHER}.",
        f"{CERTIFICATE} is accepted for alice, it is yours.",
        f"{OTHER} is accepted for alice.",
        "2 of up to 10 certificates.",
        "A fingerprint is a SHA-256 hash in 64 hexadecimal digits.",
    ]
    phone = register(world, "phone", certificate=OTHER)
    phone.send("NS IDENTIFY")
    assert said(phone) == ["You are logged in as alice."]
    phone.send("NS LOGOUT")
    alice.send(f"NS CERT DEL {OTHER}", f"NS CERT DEL {OTHER}", "NS CERT TURN")
    assert said(alice) == [
        f"Your account no longer accepts the certificate {OTHER}.",
        f"Your account does not accept the certificate {OTHER}.",
        "Expected LIST, ADD or DEL.",
    ]
    phone.lines()
    phone.send("NS IDENTIFY")
    assert "You are logged in as alice." not in said(phone)


def test_more_certificates_than_the_limit_are_refused() -> None:
    world = World(settings=Settings(certificates_per_account_max=1))
    alice = register(world, "alice")
    alice.send(f"NS REGISTER {PASSWORD}", f"NS CERT ADD {CERTIFICATE}", "NS CERT ADD")
    alice.send(f"NS CERT ADD {OTHER}")
    assert said(alice)[3:] == [
        "Connect by TLS with a certificate, or give its fingerprint.",
        "1 certificates are already accepted, which is the limit.",
    ]


def test_always_on_is_a_setting(world: World, alice: Client) -> None:
    alice.send("NS SET ALWAYS-ON on", "NS INFO")
    assert said(alice)[-1] == "ALWAYS-ON is on; 0 rooms belong to you."
    alice.disconnect()
    assert world.state.absent


def test_others_see_less_of_an_account(world: World, alice: Client) -> None:
    bob = register(world, "bob")
    bob.send("NS INFO alice")
    assert said(bob) == ["Alice was registered 2023-11-14 22:13:20 UTC."]


def test_clients_are_listed(world: World, alice: Client) -> None:
    other = register(world, "al2", address="192.0.2.1")
    other.send(f"NS IDENTIFY alice {PASSWORD}")
    alice.send("NS LIST")
    assert said(alice) == [
        "Alice without TLS: this one.",
        "al2 from 192.0.2.1 without TLS.",
        "2 of up to 20 clients.",
    ]


def test_the_nickname_is_regained(world: World, alice: Client) -> None:
    alice.send("NICK somebody")
    alice.lines()
    alice.send("NS REGAIN")
    assert alice.commands() == ["NICK"]
    alice.send("NS REGAIN")
    assert said(alice) == ["Your nickname is already Alice."]


def test_other_clients_under_the_nickname_are_ended(world: World, alice: Client) -> None:
    bob, other = register(world, "bob"), register(world, "other", node=1)
    for client in (alice, bob, other):
        client.send("JOIN #a")
    other.send("NS GHOST alice", f"NS IDENTIFY alice {PASSWORD}", "NS GHOST other", "NS GHOST x")
    other.send("NS GHOST bob")
    assert said(other) == [
        "You are not logged in to that account.",
        "You are logged in as Alice.",
        "You are not logged in to that account.",
        "Nobody uses the nickname x.",
        "You are not logged in to that account.",
    ]
    for client in (alice, bob):
        client.lines()
    position, acknowledged = world.log[-1].position, other.acknowledged
    other.send("NS REGAIN")
    assert alice.is_closed
    assert alice.lines()[-1] == "ERROR :Closing link: host (Ended by other)"
    gone, renamed = ":Alice!Alice@host QUIT :Ended by other", ":other!other@host NICK Alice"
    told = ":NickServ!NickServ@services.roost.local NOTICE other :"
    told += "The clients with the nickname Alice are disconnected."
    bob.expect(gone, renamed)
    other.expect(gone, told, renamed)
    # Who is served by another node from then on is shown the same.
    for client, node in ((bob, 1), (other, 0)):
        client.node, client.generation = node, 2
        client.part = 0
    other.acknowledged = acknowledged
    world.attach(bob, position)
    world.attach(other, position)
    bob.expect(gone, renamed)
    assert gone in other.received
    other.received.remove(gone)
    other.expect(told, renamed)


def test_who_is_always_on_is_not_ended_by_its_own_clients(world: World, alice: Client) -> None:
    other = register(world, "other")
    alice.send("NS SET ALWAYS-ON on")
    other.send(f"NS IDENTIFY alice {PASSWORD}", "NS REGAIN")
    assert said(other)[1] == ("Alice is always on: log in while connecting to join it.")
    alice.send("PING still-here")
    assert "PONG" in alice.commands()
    other.send("NS GHOST alice")
    assert said(other) == ["The clients with the nickname Alice are disconnected."]
    assert alice.is_closed
    assert world.state.absent


def test_help_names_everything(alice: Client) -> None:
    alice.send("NS HELP", "NICKSERV HELP SET", "NS")
    told = said(alice)
    assert [text for text in told if text.startswith("REGISTER ")]
    assert any(text.startswith("SET PASSWORD <password> | SET ALWAYS-ON <on|off>") for text in told)


@pytest.mark.parametrize("target", ["NickServ", "nickserv", "NickServ@services.roost.local"])
def test_what_is_said_to_it_is_kept_nowhere(world: World, target: str) -> None:
    alice, bob = register(world, "alice"), register(world, "bob")
    rows = len(world.history.rows)
    alice.send(
        f"PRIVMSG {target} :REGISTER {PASSWORD}",
        f"NOTICE {target} :IDENTIFY {PASSWORD}",
        f"PRIVMSG {target},bob :IDENTIFY {PASSWORD}",
        f"NOTICE bob,{target} :IDENTIFY {PASSWORD}",
        f"@+typing=active TAGMSG {target}",
        f"@+x=1 TAGMSG {target}",
    )
    assert said(alice) == [
        "alice is now your account, and the nickname is reserved for you.",
        "You are logged in as alice.",
        "Send commands to me alone. Nobody got your message.",
    ]
    bob.expect_nothing()
    assert len(world.history.rows) == rows
    kept = b"".join(log_of(world, alice))
    assert PASSWORD.encode() not in kept


def test_what_is_said_to_it_is_echoed_to_the_one_client(world: World) -> None:
    """ "The server MUST send [...] PRIVMSG and NOTICE messages back to the client"."""
    alice = register(world, "alice")
    alice.send("CAP REQ :echo-message labeled-response batch message-tags")
    alice.lines()
    alice.send("@label=x;+y=1 PRIVMSG nickserv :INFO bob", "@label=z NOTICE nickserv hello")
    alice.expect(
        "@label=x BATCH +4-0 labeled-response",
        "@+y=1 :alice!alice@host PRIVMSG NickServ :INFO bob",
        ":NickServ!NickServ@services.roost.local NOTICE alice :There is no such account.",
        "BATCH -4-0",
        "@label=z :alice!alice@host NOTICE NickServ hello",
    )


def test_no_command_holds_the_password(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    order = world.order

    def keep(command: Command) -> Applied:
        kept.append(encode_command(command))
        return order(command)

    monkeypatch.setattr(world, "order", keep)
    alice = register(world, "alice")
    alice.send(f"NS REGISTER {PASSWORD}", f"NS IDENTIFY {PASSWORD}", "NS SET PASSWORD other-horse")
    assert kept
    assert not any(PASSWORD.encode() in one or b"other-horse" in one for one in kept)


def test_a_hash_that_cannot_be_made_is_told(world: World) -> None:
    alice = register(world, "alice")
    world.is_hashing_stopped = True
    alice.send(f"NS REGISTER {PASSWORD}")
    [(node, ticket, _)] = world.jobs
    world.jobs.clear()
    world.servers[node].job_done(ticket, WorkFailed("Come back later"))
    world.run()
    assert said(alice) == ["Come back later."]


@pytest.mark.parametrize("target", ["NickServ", "chanserv"])
def test_whois_says_what_it_is(world: World, alice: Client, target: str) -> None:
    alice.send(f"WHOIS {target}")
    assert alice.commands() == ["311", "312", "320", "318"]


@pytest.mark.parametrize(
    "line",
    [
        "NS IDENTIFY alice correct-horse",
        "NS REGISTER another-one",
        "NS IDENTIFY alice wrong-horse",
        "NS HELP",
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_another_node_gives_the_answer_of_the_one_that_died(
    world: World, alice: Client, line: str, is_late: bool
) -> None:
    calm, bob = register(world, "calm"), register(world, "bob")
    calm.send(line)
    expected = said(calm)
    position = world.log[-1].position
    acknowledged = bob.acknowledged
    world.is_hashing_stopped = is_late
    bob.send(line)
    bob.lines()
    world.is_hashing_stopped = False
    bob.node, bob.generation, bob.acknowledged, bob.part = 1, 2, acknowledged, 0
    world.attach(bob, position)
    world.run()
    again = said(bob)
    assert again == [text.replace("calm", "bob") for text in expected]


def test_dropping_is_answered_once_more_by_another_node(world: World, alice: Client) -> None:
    alice.send("NS DROP")
    code = said(alice)[1].split()[-1]
    position, acknowledged = world.log[-1].position, alice.acknowledged
    alice.send(f"NS DROP {code}")
    live = said(alice)
    alice.node, alice.generation, alice.acknowledged, alice.part = 1, 2, acknowledged, 0
    world.attach(alice, position)
    assert said(alice) == live
