"""Who may register: closed registration, invitations, and networks that require a login.

Source: ircv3.net/specs/extensions/account-registration.
"""

import pytest
from msgspec.structs import replace

from roost.chat.commands.cluster import Configure
from roost.chat.ids import FoldedAccount
from roost.chat.settings import Settings
from spec.irc.test_operators import operator, town
from spec.irc.test_operators_accounts import told, word
from support.dialogue import Client, World

PASSPHRASE = "passphrase-of-eve"


def network(**settings: object) -> World:
    world = town(nodes=2)
    world.order(Configure(replace(Settings(), **settings)))
    return world


def offered(client: Client) -> list[str]:
    """Return what CAP LS 302 says of registration."""
    client.send("CAP LS 302")
    words = " ".join(line.parameters[-1] for line in client.messages()).split()
    return [found for found in words if found.startswith("draft/account-registration")]


def invite(olga: Client, words: str = "") -> str:
    """Make an invitation and return its code."""
    olga.send(f"NS INVITE {words}")
    return word(told(olga), r"shown only now: (\S+)")


def is_account(world: World, name: str) -> bool:
    return FoldedAccount(name) in world.state.accounts


def test_nobody_registers_where_registration_is_closed_but_operators_add_accounts() -> None:
    world = network(registration="closed")
    eve, olga = world.register("eve"), operator(world)
    text = "Nobody can register an account here; ask those who run the network"
    eve.send(f"NS REGISTER {PASSPHRASE}")
    assert told(eve) == [f"{text}."]
    eve.send(f"REGISTER * * {PASSPHRASE}")
    eve.expect(f":roost.local FAIL REGISTER TEMPORARILY_UNAVAILABLE eve :{text}")
    early = world.connect()
    early.send("NICK x", f"REGISTER x * {PASSPHRASE}")
    early.expect(f":roost.local FAIL REGISTER TEMPORARILY_UNAVAILABLE x :{text}")
    assert offered(early) == []
    olga.send(f"NS SAREGISTER bob {PASSPHRASE}")
    assert is_account(world, "bob")
    assert not is_account(world, "eve")


def test_everybody_is_offered_to_register_elsewhere() -> None:
    keys = "before-connect,custom-account-name"
    assert offered(network().connect()) == [f"draft/account-registration={keys}"]
    # "email-required - if present, registrations require a valid email address to process": where
    # clients ask for one, an invitation code can be typed.
    assert offered(network(registration="invitation").connect()) == [
        f"draft/account-registration={keys},email-required"
    ]


def test_whoever_has_a_code_registers_as_often_as_it_says() -> None:
    world = network(registration="invitation")
    olga, eve, bob = operator(world), world.register("eve"), world.register("bob")
    text = "You need a valid invitation code, in the place of an e-mail address"
    for given in ("*", "eve@mail.example", "aaaa-bbbb-cccc-dddd"):
        eve.send(f"REGISTER * {given} {PASSPHRASE}")
        eve.expect(f":roost.local FAIL REGISTER UNACCEPTABLE_EMAIL eve :{text}")
    assert not world.jobs
    code = invite(olga, "2 7d for the club")
    olga.send("NS INVITATIONS")
    assert " is for 2 accounts until 2023-11-21 22:13:20 UTC: for the club." in told(olga)[0]
    eve.send(f"REGISTER * {code.upper()}@invitation {PASSPHRASE}")
    eve.expect_some(":roost.local REGISTER SUCCESS eve :The account eve is yours")
    bob.send(f"NS REGISTER {PASSPHRASE} {code.replace('-', '')}")
    assert "bob is now your account" in " ".join(told(bob))
    late = world.connect()
    late.send("NICK late", f"REGISTER late {code} {PASSPHRASE}")
    late.expect(f":roost.local FAIL REGISTER UNACCEPTABLE_EMAIL late :{text}")
    assert not world.state.invitations


def test_a_client_that_is_not_connected_yet_registers_with_a_code() -> None:
    world = network(registration="invitation")
    code = invite(operator(world))
    early = world.connect()
    early.send("NICK early", f"REGISTER early {code} {PASSPHRASE}")
    early.expect_some(":roost.local REGISTER SUCCESS early :The account early is yours")
    # Another node gets the line again, whose code is used up by itself.
    world.move(early, 1)
    early.send("USER early 0 * :Early")
    assert "001" in early.commands()
    assert is_account(world, "early")


def test_codes_expire_and_are_revoked_and_only_their_hashes_are_kept() -> None:
    world = network(registration="invitation")
    olga, eve = operator(world), world.register("eve")
    short, long = invite(olga, "1 60s"), invite(olga)
    world.time_ms += 61_000
    eve.send(f"NS REGISTER {PASSPHRASE} {short}")
    assert "You need a valid invitation code" in told(eve)[0]
    olga.send("NS INVITATIONS")
    number = word(told(olga), r"(\w{8}) is for 1 accounts")
    assert not any(long.replace("-", "") in hashed for hashed in world.state.invitations)
    olga.send("NS UNINVITE 12345678", f"NS UNINVITE {number[:4]}", f"NS UNINVITE {number}")
    assert told(olga) == [
        "There is no invitation 12345678.",
        f"There is no invitation {number[:4]}.",
        f"*** olga (admin) revoked the invitation {number}",
    ]
    eve.send(f"NS REGISTER {PASSPHRASE} {long}")
    assert "You need a valid invitation code" in told(eve)[0]
    assert not is_account(world, "eve")


def test_an_operator_gets_the_code_from_another_node_too() -> None:
    world = network(registration="invitation")
    olga, eve = operator(world), world.register("eve")
    world.is_log_stopped = True
    olga.send("NS INVITE")
    world.kill(0)
    world.is_log_stopped = False
    world.run()
    code = word(told(olga), r"shown only now: (\S+)")
    eve.send(f"NS REGISTER {PASSPHRASE} {code}")
    assert is_account(world, "eve")


def test_operators_close_registration_and_require_logins_at_once() -> None:
    world = network()
    olga, eve = operator(world), world.register("eve")
    olga.send("NS REGISTRATION closed", "NS REQUIRELOGIN on", "NS REGISTRATION")
    assert told(olga) == [
        "*** olga (admin) set registration to closed",
        "*** olga (admin) set logins to required",
        "Registration is closed; a login is required.",
    ]
    eve.send(f"NS REGISTER {PASSPHRASE}")
    assert "Nobody can register" in told(eve)[0]
    guest = world.connect()
    guest.send("NICK guest", "USER guest 0 * :Guest")
    assert guest.is_closed
    olga.send("NS REGISTRATION sometimes", "NS REQUIRELOGIN maybe", "NS REQUIRELOGIN off")
    assert told(olga) == [
        "Expected open, closed, invitation or email.",
        "Expected ON or OFF.",
        "*** olga (admin) set logins to not required",
    ]
    # A node that only starts again does not undo it; one whose file has changed does.
    ways = []
    for _ in range(2):
        world.order(Configure(Settings(), "n1", "{}"))
        ways.append(world.state.settings.registration)
        olga.send("NS REGISTRATION closed")
    assert ways == ["open", "closed"]


@pytest.mark.parametrize(
    "line",
    ["INVITE", "INVITATIONS", "UNINVITE 12345678", "REGISTRATION closed", "REQUIRELOGIN on"],
)
def test_only_operators_invite(line: str) -> None:
    world = network(registration="invitation")
    eve = world.register("eve")
    eve.send(f"NS {line}")
    assert told(eve) == ["Only network operators can do this."]


def test_where_a_login_is_required_nobody_else_gets_in() -> None:
    world = network(login_required=True, login_exempt_networks=("192.0.2.0/24", "2001:db8::/32"))
    text = "You must log in to an account (SASL) to use this network"
    guest = world.connect()
    guest.send("CAP REQ standard-replies", "NICK guest", "USER guest 0 * :Guest", "CAP END")
    lines = guest.lines()
    assert f":roost.local FAIL * ACCOUNT_REQUIRED :{text}" in lines, lines
    assert guest.is_closed
    assert text in lines[-1]
    for address in ("192.0.2.7", "2001:db8::1"):
        assert world.register(f"near{len(address)}", address=address).lines() is not None
    # Whoever registers while connecting needs no account before.
    early = world.connect()
    early.send("NICK early", f"REGISTER early * {PASSPHRASE}", "USER early 0 * :Early")
    assert "001" in early.commands()
    early.send("NS LOGOUT")
    assert told(early) == ["Everybody must be logged in here; disconnect instead."]
    early.send("NS DROP")
    early.send(f"NS DROP {word(told(early), r'send: DROP (.+)')}")
    assert early.is_closed
    assert "Account deleted" in early.lines()[-1]
