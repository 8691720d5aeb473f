"""Logging in on the word of an identity provider, which can hang, be wrong, and lie."""

import base64

import pytest

from roost.chat.settings import Settings
from roost.ircd.config import Config
from roost.ircd.login_config import LoginConfig
from support.dialogue import Client, World
from support.fake_hashing import HANGS, PROVIDED

PASSWORD = "correct-horse"
LOGIN = LoginConfig(program=("/bin/check",))
FAILED = ":roost.local 904 eve :SASL authentication failed: "


def world_of(login: LoginConfig = LOGIN, settings: Settings | None = None) -> World:
    return World(config=Config(login=login), settings=settings, nodes=2)


def begin(world: World, nick: str = "eve", certificate: str = "") -> Client:
    client = world.connect(certificate=certificate)
    client.send("CAP LS 302", f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    client.lines()
    return client


def log_in(client: Client, name: str, password: str = PROVIDED) -> None:
    text = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
    client.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {text[:400]}")
    if len(text) >= 400:
        client.send(f"AUTHENTICATE {text[400:]}")


def verdict(client: Client, name: str, password: str = PROVIDED) -> str:
    log_in(client, name, password)
    return client.lines()[-1]


def owner(login: LoginConfig = LOGIN) -> tuple[World, Client]:
    """Make an account "alice" as it is made without a provider."""
    world = world_of(LoginConfig())
    alice = world.register("alice")
    alice.send(f"NS REGISTER {PASSWORD}")
    alice.lines()
    for server in world.servers:
        server.reconfigure(Config(login=login))
    return world, alice


def test_the_first_login_makes_the_account_and_the_next_uses_it() -> None:
    world = world_of()
    eve = begin(world)
    log_in(eve, "eve")
    eve.expect(
        "AUTHENTICATE +",
        ":roost.local 900 eve eve!eve@host eve :You are now logged in as eve",
        ":roost.local 903 eve :SASL authentication successful",
    )
    eve.send("CAP END", "QUIT")
    (account,) = world.state.accounts.values()
    assert account.is_external
    again = begin(world, "other")
    log_in(again, "Eve")
    assert again.commands() == ["AUTHENTICATE", "900", "903"]
    assert list(world.state.accounts) == ["eve"]
    again.send("CAP END")
    assert not world.state.attempts


def test_a_client_that_is_registered_logs_in_and_nickserv_asks_the_provider_too() -> None:
    world = world_of()
    eve = world.register("eve")
    log_in(eve, "eve")
    assert eve.commands() == ["AUTHENTICATE", "900", "903"]
    eve.send("NS LOGOUT", f"NS IDENTIFY bob {PROVIDED}")
    assert "You are logged in as bob." in eve.service_texts("NickServ")


def test_whoever_uses_the_name_as_a_nickname_does_not_keep_its_owner_out() -> None:
    world = world_of()
    world.register("alice")
    eve = begin(world)
    log_in(eve, "alice")
    assert eve.commands() == ["AUTHENTICATE", "900", "903"]


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("eve", "wrong", "Wrong account name or password"),
        ("eve", "old", "Wrong account name or password: expired"),
        ("eve", "x" * 301, "Wrong account name or password"),
        (HANGS, PROVIDED, "The identity provider does not answer; try again later"),
        ("eve@corp", PROVIDED, "The identity provider answered for another account"),
        ("a b", PROVIDED, "The identity provider's name for you, 'a b', cannot be an account: ..."),
        ("NickServ", PROVIDED, "The identity provider's name for you, 'NickServ', cannot ..."),
    ],
)
def test_what_cannot_be_believed_logs_nobody_in(name: str, password: str, reason: str) -> None:
    world = world_of()
    eve = begin(world)
    log_in(eve, name, password)
    eve.expect("AUTHENTICATE +", f"{FAILED}{reason}")
    assert not world.state.accounts


def test_another_name_is_believed_if_names_are_mapped() -> None:
    world = world_of(LoginConfig(program=("/bin/check",), maps_names=True))
    eve = begin(world)
    log_in(eve, "eve@corp")
    assert eve.commands() == ["AUTHENTICATE", "900", "903"]
    assert list(world.state.accounts) == ["eve"]
    assert not world.state.attempts


def test_accounts_are_not_made_unless_the_operators_want_it() -> None:
    world = world_of(LoginConfig(program=("/bin/check",), creates_accounts=False))
    eve = begin(world)
    assert verdict(eve, "eve") == f"{FAILED}There is no account for you here: 'eve'"


def test_a_full_network_makes_no_account() -> None:
    world = world_of(settings=Settings(accounts_max=0))
    eve = begin(world)
    assert verdict(eve, "eve") == f"{FAILED}The network has no room for another account"


def test_guesses_are_counted_before_the_provider_is_asked() -> None:
    world = world_of(settings=Settings(logins_per_account_max=2))
    eve = begin(world)
    for _ in range(2):
        log_in(eve, "eve", "wrong")
    assert "Too many attempts" in verdict(eve, "eve")


def test_many_people_of_one_office_log_in_for_the_first_time() -> None:
    world = world_of(settings=Settings(registrations_per_address_max=1))
    for number in range(3):
        client = begin(world, f"p{number}")
        log_in(client, f"p{number}")
        assert client.commands() == ["AUTHENTICATE", "900", "903"]


def test_the_provider_alone_decides_unless_there_are_local_accounts() -> None:
    world, alice = owner()
    eve = begin(world, certificate="ab" * 32)
    eve.send("CAP LS 302")
    assert "sasl=PLAIN" in " ".join(eve.lines()).split()
    assert verdict(eve, "alice", PASSWORD) == f"{FAILED}Wrong account name or password"
    eve.send("AUTHENTICATE SCRAM-SHA-256")
    assert eve.commands() == ["908", "904"]
    eve.send(f"REGISTER eve * {PASSWORD}", "CAP END")
    assert "FAIL" in eve.commands()
    alice.send(f"NS SET PASSWORD {PASSWORD}", "NS CERT ADD " + "ab" * 32)
    assert len([text for text in alice.service_texts("NickServ") if "provider's" in text]) == 2


def test_local_accounts_keep_their_passwords_and_are_not_the_providers() -> None:
    world, _ = owner(LoginConfig(program=("/bin/check",), local_accounts=True))
    eve = begin(world)
    assert verdict(eve, "alice") == f"{FAILED}Wrong account name or password"
    log_in(eve, "alice", PASSWORD)
    assert eve.commands() == ["AUTHENTICATE", "900", "903"]
    # Who owns an account by the provider's word has no password here, and gets none.
    bob = begin(world, "bob")
    log_in(bob, "bob")
    bob.send("CAP END")
    bob.lines()
    bob.send(f"NS SET PASSWORD {PASSWORD}")
    assert "provider's" in bob.service_texts("NickServ")[0]


def test_a_login_survives_the_death_of_the_node_that_asks() -> None:
    world = world_of()
    eve = begin(world)
    world.is_hashing_stopped = True
    log_in(eve, "eve")
    world.jobs.clear()
    world.is_hashing_stopped = False
    world.kill(0)
    assert eve.commands()[-2:] == ["900", "903"]
    assert list(world.state.accounts) == ["eve"]


def test_no_account_is_made_while_older_nodes_could_not_make_it_too() -> None:
    world = world_of()
    world.state.version = 1
    eve = begin(world)
    assert verdict(eve, "eve") == f"{FAILED}The network is being upgraded; try again later"
    assert not world.state.failed_entries


def test_closed_registration_is_for_others_and_a_suspension_for_everybody() -> None:
    world = world_of(settings=Settings(registration="closed"))
    eve = begin(world)
    log_in(eve, "eve")
    assert eve.commands() == ["AUTHENTICATE", "900", "903"]
    olga = world.register("olga")
    world.state.users[world.state.sessions[olga.session].user].modes = "o"  # type: ignore[index]
    olga.send("NS SUSPEND eve 1d on leave")
    again = begin(world, "again")
    assert "suspended" in verdict(again, "eve")
