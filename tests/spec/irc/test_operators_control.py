"""What network operators do with the accounts and rooms of others: NickServ and ChanServ."""

import base64

import pytest

from roost.chat.ids import FoldedAccount
from roost.ircd.accounts.passwords import prepare
from spec.irc.test_operators import operator, town
from spec.irc.test_operators_accounts import told, word
from support.dialogue import Client, World
from support.fake_hashing import credentials

PASSPHRASE = "passphrase-of-eve"


def owned(world: World, name: str = "Eve") -> Client:
    """Register a client that is logged in to an account with a password."""
    client = world.register(name.lower(), account=name)
    account = world.state.accounts[FoldedAccount(name.lower())]
    account.credentials = credentials(prepare(PASSPHRASE))
    return client


def log_in_by_sasl(world: World, name: str, *capabilities: str) -> list[str]:
    client = world.connect()
    plain = base64.b64encode(f"{name}\0{name}\0{PASSPHRASE}".encode()).decode()
    client.send(f"CAP REQ :sasl {' '.join(capabilities)}", "AUTHENTICATE PLAIN")
    client.lines()
    client.send(f"AUTHENTICATE {plain}")
    return client.lines()


def test_a_suspended_account_is_disconnected_everywhere_and_cannot_log_in() -> None:
    world = town(nodes=2)
    olga, eve, bob = operator(world), owned(world), world.register("bob")
    tablet = world.register("eve", node=1, account="Eve")
    eve.lines()
    olga.send("NS SUSPEND eve 1h spam in #a")
    assert told(olga) == ["*** olga (admin) suspended the account Eve for 3600 s: spam in #a"]
    for client in (eve, tablet):
        assert client.is_closed
        assert "Account suspended: spam in #a" in client.lines()[-1]
    bob.send(f"NS IDENTIFY Eve {PASSPHRASE}")
    assert told(bob) == ["The account Eve is suspended until 2023-11-14 23:13:20 UTC: spam in #a."]
    bob.send("NS IDENTIFY Eve wrong-passphrase")
    assert told(bob) == ["Wrong account name or password."]
    text = "The account Eve is suspended until 2023-11-14 23:13:20 UTC: spam in #a"
    assert log_in_by_sasl(world, "Eve") == [
        f":roost.local 904 * :SASL authentication failed: {text}"
    ]
    assert log_in_by_sasl(world, "Eve", "standard-replies") == [
        f":roost.local FAIL AUTHENTICATE ACCOUNT_SUSPENDED Eve :{text}",
        f":roost.local 904 * :SASL authentication failed: {text}",
    ]
    # The name stays reserved.
    bob.send("NICK Eve")
    assert "433" in bob.commands()


def test_a_suspension_ends_by_itself_or_is_lifted() -> None:
    world = town()
    olga, _ = operator(world), owned(world)
    olga.send("NS SUSPEND Eve 60s")
    world.time_ms += 59_000
    assert any(" 904 " in line for line in log_in_by_sasl(world, "Eve"))
    world.time_ms += 2_000
    assert any(" 903 " in line for line in log_in_by_sasl(world, "Eve"))
    olga.lines()
    olga.send("NS UNSUSPEND Eve")
    assert told(olga) == ["The account Eve is not suspended."]
    olga.send("NS SUSPEND Eve")
    olga.send("NS SALIST suspended")
    assert told(olga)[1:] == [
        "Eve was registered 2023-11-14 22:13:20 UTC; The account Eve is suspended.",
        "1 accounts.",
    ]
    olga.send("NS UNSUSPEND Eve")
    assert told(olga) == ["*** olga (admin) lifted the suspension of the account Eve"]
    assert any(" 903 " in line for line in log_in_by_sasl(world, "Eve"))


def test_who_has_logged_in_and_is_suspended_before_the_end_of_registration_is_told() -> None:
    world = town()
    olga, _ = operator(world), owned(world)
    late = world.connect()
    world.own(late, "Eve")
    olga.send("NS SUSPEND Eve no more")
    late.send("NICK eve", "USER eve 0 * :Eve")
    assert late.is_closed
    assert "The account Eve is suspended: no more" in late.lines()[-1]


def test_an_account_is_renamed_with_the_nickname_of_its_owner() -> None:
    world = town()
    olga = operator(world)
    eve = world.register("eve", "account-notify", account="Eve")
    eve.send("JOIN #a", "CS REGISTER #a")
    eve.lines()
    olga.send("NS RENAME Eve Evelyn")
    assert told(olga) == ["*** olga (admin) renamed the account Eve to Evelyn"]
    eve.expect(":eve!eve@host ACCOUNT Evelyn", ":eve!eve@host NICK Evelyn")
    eve.send("CS INFO #a")
    assert "#a belongs to Evelyn." in told(eve)
    olga.send("NS RENAME Evelyn 1x")
    assert "1x cannot be an account name" in told(olga)[0]


def test_an_operator_who_renames_their_own_account_is_told() -> None:
    world = town()
    olga = operator(world)
    olga.send(f"NS REGISTER {PASSPHRASE}", "NS RENAME olga Olga2")
    lines = olga.lines()
    assert any(line.startswith(":roost.local 900 ") and " Olga2 " in line for line in lines)
    assert any(line.endswith("NICK Olga2") for line in lines)
    olga.send("NS INFO")
    assert "Olga2 was registered" in told(olga)[0]


def test_all_clients_of_an_account_are_disconnected_and_may_come_back() -> None:
    world = town()
    olga, eve = operator(world), owned(world)
    olga.send("NS SALOGOUT Eve lost phone")
    assert told(olga) == ["*** olga (admin) ended 1 sessions of the account Eve"]
    assert eve.is_closed
    assert "lost phone" in eve.lines()[-1]
    assert any(" 903 " in line for line in log_in_by_sasl(world, "Eve"))


def test_a_room_is_given_to_an_account_and_taken_from_it() -> None:
    world = town()
    olga, eve, bob = operator(world), owned(world), owned(world, "Bob")
    eve.send("JOIN #a", "CS REGISTER #a")
    bob.send("JOIN #a")
    for client in (eve, bob):
        client.lines()
    olga.send("CS SATRANSFER #a bob")
    assert told(olga) == ["*** olga (admin) gave the room #a to the account Bob"]
    bob.expect(":ChanServ!ChanServ@services.roost.local MODE #a +o bob")
    olga.send("CS SADROP #a")
    code = word(told(olga), r"send: SADROP #a (\w+)")
    olga.send(f"CS SADROP #a {code}")
    assert told(olga) == ["*** olga (admin) took the room #a from the account Bob"]
    olga.send("CS SADROP #a")
    assert told(olga) == ["#a is not registered."]
    olga.send("CS SATRANSFER #a Eve")
    assert told(olga) == ["*** olga (admin) gave the room #a to the account Eve"]
    eve.send("CS INFO #a")
    assert "#a belongs to Eve." in told(eve)
    olga.send("CS SATRANSFER #a Eve")
    assert told(olga) == ["#a is already registered."]


@pytest.mark.parametrize(
    "line",
    [
        "NS SUSPEND Eve",
        "NS UNSUSPEND Eve",
        "NS RENAME Eve x",
        "NS SALOGOUT Eve",
        "NS SALIST",
        "CS SATRANSFER #a Bob",
        "CS SADROP #a",
    ],
)
def test_others_may_not(line: str) -> None:
    world = town()
    owned(world)
    bob = owned(world, "Bob")
    bob.send("JOIN #a")
    bob.lines()
    bob.send(line)
    assert told(bob) == ["Only network operators can do this."]
