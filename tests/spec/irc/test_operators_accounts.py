"""NickServ's commands for network operators, as Ergo and Anope name them."""

import re

import pytest

from roost.chat.ids import FoldedAccount, FoldedNick
from spec.irc.test_operators import operator, town
from support.dialogue import Client


def word(texts: list[str], pattern: str) -> str:
    found = re.search(pattern, " ".join(texts))
    assert found is not None, texts
    return found[1]


def told(client: Client) -> list[str]:
    return [line.parameters[1] for line in client.messages() if line.command == "NOTICE"]


def test_an_account_is_registered_for_somebody() -> None:
    world = town()
    olga, bob = operator(world), world.register("bob")
    olga.send("NS SAREGISTER Carol passphrase-of-carol")
    assert told(olga) == ["*** olga (admin) registered the account Carol"]
    bob.send("NS IDENTIFY Carol passphrase-of-carol")
    assert "You are logged in as Carol." in told(bob)[-1]
    olga.send("OPERLOG 1")
    assert "registered the account Carol" in " ".join(olga.lines())
    assert world.state.users[world.state.nicks[FoldedNick("olga")]].account == ""


def test_a_password_is_replaced_and_certificates_are_removed() -> None:
    world = town()
    olga, eve, bob = operator(world), world.register("eve"), world.register("bob")
    world.own(eve, "Eve")
    account = world.state.accounts[FoldedAccount("eve")]
    account.certificates["ab" * 32] = None
    olga.send("NS SAPASSWD eve passphrase-of-eve")
    assert told(olga) == ["*** olga (admin) set the password of the account Eve"]
    assert not account.certificates
    bob.send("NS IDENTIFY Eve passphrase-of-eve")
    assert "You are logged in as Eve." in told(bob)[-1]


def test_an_account_is_deleted_after_a_confirmation() -> None:
    world = town()
    olga, eve = operator(world), world.register("eve", account="Eve")
    eve.send("JOIN #a", "CS REGISTER #a")
    eve.lines()
    olga.send("NS SADROP EVE")
    code = word(told(olga), r"send: SADROP Eve (\w+)")
    assert FoldedAccount("eve") in world.state.accounts
    olga.send(f"NS SADROP Eve {code}")
    assert told(olga) == ["*** olga (admin) deleted the account Eve"]
    assert FoldedAccount("eve") not in world.state.accounts
    assert "901" in eve.commands() or not world.state.users_by_account
    assert not world.state.founded


@pytest.mark.parametrize(
    "line", ["SAREGISTER x passphrase-x", "SAPASSWD eve passphrase-x", "SADROP eve", "SADROP none"]
)
def test_others_may_not(line: str) -> None:
    world = town()
    eve = world.register("eve", account="Eve")
    before = world.state.accounts[FoldedAccount("eve")].credentials
    eve.lines()
    eve.send(f"NS {line}")
    assert told(eve) == ["Only network operators can do this."]
    assert world.state.accounts[FoldedAccount("eve")].credentials == before
    assert FoldedAccount("x") not in world.state.accounts


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("SAPASSWD none passphrase-x", "There is no such account."),
        ("SADROP none", "There is no such account."),
        ("SAREGISTER eve passphrase-x", "The account eve already exists."),
        ("SAREGISTER 1x passphrase-x", "1x cannot be an account name"),
        ("SAREGISTER bob passphrase-x", "Somebody else uses the nickname bob."),
        ("SAREGISTER x", "Usage: SAREGISTER <account> <password>"),
    ],
)
def test_what_cannot_be_done_is_said(line: str, text: str) -> None:
    world = town()
    olga = operator(world)
    world.register("eve", account="Eve")
    world.register("bob")
    olga.send(f"NS {line}")
    assert any(text in one for one in told(olga))
