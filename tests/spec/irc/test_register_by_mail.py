"""Registration by e-mail, and forgotten passwords.

Source: ircv3.net/specs/extensions/account-registration.
"""

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from roost.chat.attempts import COUNTS_MAX
from roost.chat.commands.accounts import DropAccount
from roost.chat.commands.cluster import Configure
from roost.chat.ids import FoldedAccount, FoldedNick
from roost.chat.settings import Settings
from roost.chat.state import Account
from roost.ircd.config import Config
from roost.ircd.mail_config import MailConfig
from spec.irc.test_operators_accounts import told
from support.dialogue import Client, World
from support.fake_hashing import sent

PASSPHRASE = "passphrase-of-eve"
MAIL = "Eve@mail.example"
_CODE = re.compile(r"\b(?:[a-z2-7]{4}-){2}[a-z2-7]{4}\b")


@pytest.fixture(autouse=True)
def _no_mail() -> Iterator[None]:
    sent.clear()
    yield
    sent.clear()


def network(*, nodes: int = 1, is_mail_on: bool = True, **settings: object) -> World:
    mail = MailConfig(host="localhost", sender="chat@example.net") if is_mail_on else MailConfig()
    world = World(nodes=nodes, config=Config(mail=mail))
    world.order(Configure(replace(Settings(), registration="email", **settings)))
    return world


def code() -> str:
    """Return the code in the last message."""
    found = _CODE.search(sent[-1].text)
    assert found is not None, sent
    return found[0]


def account(world: World, name: str = "eve") -> Account | None:
    return world.state.accounts.get(FoldedAccount(name))


def ask(client: Client, name: str = "eve", email: str = MAIL) -> None:
    client.send(f"REGISTER {name} {email} {PASSPHRASE}")


def test_a_client_that_is_connected_registers_and_is_logged_in() -> None:
    """VERIFICATION_REQUIRED: "Sent by the server as a response to REGISTER when further action is
    required"; after VERIFY SUCCESS "the client is assumed to be authenticated"."""
    world = network()
    eve = world.register("eve")
    ask(eve, "*")
    text = "A code was sent to your e-mail address; give it with VERIFY eve <code>"
    eve.expect(f":roost.local REGISTER VERIFICATION_REQUIRED eve :{text}")
    assert account(world) is None
    (mail,) = sent
    assert (mail.recipient, mail.subject) == (MAIL, "Your code for Roost")
    assert f"/msg NickServ VERIFY eve {code()}" in mail.text
    eve.send("VERIFY eve aaaa-bbbb-cccc")
    eve.expect(":roost.local FAIL VERIFY INVALID_CODE eve :This code is not valid, or has expired")
    eve.send(f"VERIFY eve {code().upper().replace('-', '')}")
    eve.expect(
        ":roost.local VERIFY SUCCESS eve :The account eve is yours",
        ":roost.local 900 eve eve!eve@host eve :You are now logged in as eve",
    )
    made = account(world)
    assert made is not None
    assert made.email == "eve@mail.example"
    # A code works once.
    bob = world.register("bob")
    bob.send(f"VERIFY eve {code()}")
    assert "FAIL" in bob.commands()
    assert not any(PASSPHRASE in str(pending) for pending in world.state.pending_codes.values())


def test_a_client_that_is_not_connected_registers_and_another_node_goes_on() -> None:
    world = network(nodes=2, login_required=True)
    eve = world.connect()
    eve.send("NICK eve")
    ask(eve)
    assert eve.commands() == ["REGISTER"]
    eve.send(f"VERIFY eve {code()}")
    assert eve.commands() == ["VERIFY", "900"]
    world.move(eve, 1)
    eve.send("USER eve 0 * :Eve")
    assert "001" in eve.commands()
    assert account(world) is not None
    # What is repeated at the other node is the same message, with the same code.
    assert {mail.number for mail in sent} == {sent[0].number}


def test_a_code_may_come_from_another_connection() -> None:
    world = network()
    ask(world.register("eve"))
    world.clients[next(iter(world.clients))].disconnect()
    later = world.register("later")
    later.send(f"NS VERIFY eve {code()}")
    assert "You are logged in as eve." in told(later)


def test_who_answers_first_gets_the_name() -> None:
    world = network()
    eve, bob = world.register("x"), world.register("y")
    ask(eve)
    first = code()
    ask(bob, email="bob@mail.example")
    bob.send(f"VERIFY eve {code()}")
    bob.lines()
    eve.lines()
    eve.send(f"VERIFY eve {first}")
    text = "There is already an account with this name"
    eve.expect(f":roost.local FAIL VERIFY ACCOUNT_EXISTS eve :{text}")


@pytest.mark.parametrize(
    ("email", "code", "text"),
    [
        ("*", "INVALID_EMAIL", "Give an e-mail address, such as alice@example.org"),
        ("a@b@c", "INVALID_EMAIL", "Give an e-mail address, such as alice@example.org"),
        ("nobody@mail.example", "INVALID_EMAIL", "There is no mailbox with this address"),
        (
            "hang@mail.example",
            "TEMPORARILY_UNAVAILABLE",
            "The mail server does not answer; try again later",
        ),
    ],
)
def test_what_cannot_be_written_to_is_said(email: str, code: str, text: str) -> None:
    world = network()
    eve = world.register("eve")
    ask(eve, email=email)
    eve.expect(f":roost.local FAIL REGISTER {code} eve :{text}")


def test_a_node_without_mail_says_so() -> None:
    world = network(is_mail_on=False)
    eve = world.register("eve")
    ask(eve)
    text = "This node cannot send e-mail; ask those who run the network"
    eve.expect(f":roost.local FAIL REGISTER TEMPORARILY_UNAVAILABLE eve :{text}")
    eve.send("NS SENDPASS eve")
    assert told(eve) == [f"{text}."]


def test_a_storm_of_registrations_is_bounded() -> None:
    world = network(registrations_per_address_max=5, pending_codes_max=7)
    storm = world.register("storm", address="192.0.2.1")
    for number in range(4):
        ask(storm, f"x{number}", "victim@mail.example")
    assert storm.commands() == ["REGISTER"] * 3 + ["FAIL"]
    for number in range(4):
        ask(storm, f"y{number}", f"y{number}@mail.example")
    assert storm.commands() == ["REGISTER"] * 2 + ["FAIL"] * 2
    others = [
        world.register(f"other{number}", address=f"198.51.100.{number}") for number in range(4)
    ]
    for number, other in enumerate(others):
        ask(other, f"z{number}", f"z{number}@mail.example")
        assert other.commands() == ["REGISTER" if number < 2 else "FAIL"]
    assert len(world.state.pending_codes) == len(sent) == 7
    # A day later all of them are forgotten.
    world.time_ms += 25 * 3600 * 1000
    ask(others[0], "late", "late@mail.example")
    assert others[0].commands() == ["REGISTER"]
    assert len(world.state.pending_codes) == 1


def test_codes_cannot_be_guessed_for_long() -> None:
    world = network(logins_per_address_max=3)
    eve = world.register("eve")
    ask(eve)
    right = code()
    guesser = world.register("guesser", address="192.0.2.1")
    for _ in range(4):
        guesser.send("VERIFY eve aaaa-bbbb-cccc")
    codes = [line.parameters[1] for line in guesser.messages()]
    assert codes == ["INVALID_CODE"] * 3 + ["TEMPORARILY_UNAVAILABLE"]
    assert len(world.state.attempts) < COUNTS_MAX
    eve.send(f"VERIFY eve {right}")
    assert account(world) is not None


def test_a_forgotten_password_is_replaced_and_other_clients_are_disconnected() -> None:
    world = network()
    eve = world.register("eve")
    eve.send(f"NS REGISTER {PASSPHRASE} {MAIL}")
    eve.send(f"NS VERIFY eve {code()}")
    assert "You are logged in as eve." in told(eve)
    lost = world.register("lost")
    unknown = "If the account has an e-mail address, a code was sent to it."
    for name in ("eve", "nobody-at-all"):
        lost.send(f"NS SENDPASS {name}")
        assert told(lost) == [unknown]
    assert len(sent) == 2
    assert sent[-1].recipient == "eve@mail.example"
    lost.send("NS RESETPASS eve aaaa-bbbb-cccc another-passphrase")
    assert told(lost) == ["This code is not valid for eve, or has expired."]
    # It is for nothing but a new password.
    lost.send(f"NS VERIFY eve {code()}")
    assert told(lost) == ["This code is not valid for eve, or has expired."]
    lost.send(f"NS RESETPASS eve {code()} short")
    assert told(lost) == ["A password must have at least 8 characters."]
    lost.send(f"NS RESETPASS eve {code()} another-passphrase")
    assert told(lost) == ["The password of eve is changed; log in with it."]
    assert eve.is_closed
    lost.send("NS IDENTIFY eve another-passphrase")
    assert "You are logged in as eve." in told(lost)


def test_an_address_is_set_once_its_owner_has_answered() -> None:
    world = network()
    world.order(Configure(Settings()))
    eve = world.register("eve", account="eve")
    eve.send("NS SET EMAIL nonsense", f"NS SET EMAIL {MAIL}")
    assert told(eve) == [
        "This needs an e-mail address, such as alice@example.org.",
        "A code was sent to your e-mail address. To set it, send: VERIFY eve <code>",
    ]
    made = account(world)
    before = made and made.email
    eve.send(f"NS VERIFY eve {code()}")
    assert told(eve) == ["The e-mail address of eve is set."]
    assert (before, made and made.email) == ("", "eve@mail.example")
    eve.send("NS SET EMAIL other@mail.example")
    assert world.state.pending_codes
    world.act(eve, DropAccount(world.state.users[world.state.nicks[FoldedNick("eve")]].account_id))
    assert not world.state.pending_codes
