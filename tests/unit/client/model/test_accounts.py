"""Accounts in the model: the password that is asked for, and those that are hidden."""

import base64

import pytest

from roost.client.memory import remember
from roost.client.model import Model, Moment, Phase, ProblemKind, Profile, passwords
from roost.client.model.effects import Abandon, Reconnect, Toast
from roost.client.settings import Saved
from unit.client.model.test_dialogues import START, dialogue, online, starting

RESERVED = "S: :s 433 * alice :Nickname is reserved for the owner of an account, log in first"
D = passwords.HIDDEN


def asking() -> Model:
    model = starting(Profile(nick="alice", asks_password=True))
    dialogue(
        model,
        *("C: CAP LS 302", "C: NICK alice", "C: USER alice 0 * alice"),
        *("S: :s CAP * LS :sasl=PLAIN", "C: CAP END", RESERVED),
    )
    return model


def test_the_name_of_an_account_makes_the_client_stop_and_ask_for_the_password() -> None:
    model = asking()
    (abandon,) = model.take_effects()
    assert isinstance(abandon, Abandon)
    assert abandon.problem.kind is ProblemKind.ACCOUNT
    assert abandon.problem.text == "alice is the name of an account."
    assert not model.take_lines()
    model.disconnected(START, abandon.problem, None)
    assert model.connection.phase is Phase.STOPPED
    model.log_in("alice", "secret")
    assert model.take_effects() == [Reconnect()]
    model.connecting("s:6667", START)
    model.connected(START, is_secure=False)
    answer = base64.b64encode(b"\0alice\0secret").decode()
    dialogue(
        model,
        *("C: CAP LS 302", "C: NICK alice", "C: USER alice 0 * alice"),
        *("S: :s CAP * LS :sasl=PLAIN", RESERVED, "C: CAP REQ sasl", "S: :s CAP * ACK :sasl"),
        *("C: AUTHENTICATE PLAIN", "S: AUTHENTICATE +", f"C: AUTHENTICATE {answer}"),
        "S: :s 900 * * alice :You are now logged in as alice",
        *("S: :s 903 * :SASL authentication successful", "C: NICK alice", "C: CAP END"),
        "S: :s 001 alice :Welcome",
    )
    assert model.nick == "alice"


def test_scripts_are_not_asked_and_take_another_name() -> None:
    model = starting(Profile(nick="alice"))
    dialogue(
        model,
        *("C: CAP LS 302", "C: NICK alice", "C: USER alice 0 * alice"),
        *("S: :s CAP * LS :sasl=PLAIN", "C: CAP END", RESERVED, "C: NICK alice_"),
    )


def test_online_one_logs_in_on_the_same_connection_and_gets_ones_name() -> None:
    model = online(":s CAP * NEW :sasl=PLAIN", ":alice!u@h NICK alice_")
    model.take_lines()
    model.log_in("alice", "secret")
    answer = base64.b64encode(b"\0alice\0secret").decode()
    dialogue(
        model,
        *("C: CAP REQ sasl", "S: :s CAP * ACK :sasl", "C: AUTHENTICATE PLAIN"),
        *("S: AUTHENTICATE +", f"C: AUTHENTICATE {answer}"),
        "S: :s 900 alice_ alice_!u@h alice :You are now logged in as alice",
        *("S: :s 903 alice_ :SASL authentication successful", "C: NICK alice"),
    )
    assert model.account == "alice"


def test_online_a_wrong_password_ends_nothing() -> None:
    model = online(":s CAP * NEW :sasl=PLAIN")
    model.log_in("alice", "wrong")
    for line in (":s CAP * ACK :sasl", "AUTHENTICATE +", ":s 904 alice :Invalid password"):
        model.receive(line.encode(), START)
    (toast,) = model.take_effects()
    assert isinstance(toast, Toast)
    assert toast.is_error
    assert model.connection.phase is Phase.ONLINE


def test_an_account_is_made_and_its_password_used_from_then_on() -> None:
    model = online(":s CAP * NEW :draft/account-registration")
    model.register_account("correct-horse")
    dialogue(model, "C: REGISTER * * correct-horse", "S: :s REGISTER SUCCESS alice :Yours")
    assert (model.profile.account, model.profile.password) == ("alice", "correct-horse")
    model.change_password("battery-staple")
    dialogue(model, "C: PRIVMSG NickServ :SET PASSWORD battery-staple")
    assert model.profile.password == "correct-horse"


def test_an_account_is_made_with_a_code_from_an_email() -> None:
    model = online(":s CAP * NEW :draft/account-registration=before-connect,email-required")
    assert model.needs_proof
    model.register_account("correct-horse", "alice@example.org")
    dialogue(
        model,
        "C: REGISTER * alice@example.org correct-horse",
        "S: :s REGISTER VERIFICATION_REQUIRED alice :A code was sent",
    )
    assert any("/verify CODE" in str(effect) for effect in model.take_effects())
    model.submit(model.active, "/verify abcd-efgh")
    dialogue(model, "C: VERIFY alice abcd-efgh", "S: :s VERIFY SUCCESS alice :Yours")
    assert (model.profile.account, model.profile.password) == ("alice", "correct-horse")


def test_after_a_change_the_password_that_is_valid_is_used() -> None:
    model = online(profile=Profile(nick="alice", account="alice", password="old-password"))
    model.change_password("new-password")
    model.disconnected(START, None, 101.0)
    model.connecting("s:6667", START)
    model.connected(START, is_secure=False)
    model.take_lines()
    for line in (":s CAP * LS :sasl=PLAIN", ":s CAP * ACK :sasl", ":s 904 * :Invalid password"):
        model.receive(line.encode(), START)
    model.take_lines()
    model.receive(b"AUTHENTICATE +", START)
    answer = base64.b64encode(b"\0alice\0new-password").decode()
    assert model.take_lines() == [f"AUTHENTICATE {answer}\r\n".encode()]


@pytest.mark.parametrize(
    ("target", "typed", "shown"),
    [
        ("#room", "/msg NickServ IDENTIFY alice secret", f"/msg NickServ IDENTIFY alice {D}"),
        ("#room", "/msg nickserv identify secret", f"/msg nickserv identify {D}"),
        ("#room", "/ns SET PASSWORD secret", f"/ns SET PASSWORD {D}"),
        ("#room", "/raw PRIVMSG NickServ :REGISTER secret", f"/raw PRIVMSG NickServ :REGISTER {D}"),
        ("#room", "/quote ns IDENTIFY secret", f"/quote ns IDENTIFY {D}"),
        ("#room", "/quote OPER root secret", f"/quote OPER root {D}"),
        ("#room", "/quote PASS secret", f"/quote PASS {D}"),
        ("NickServ", "identify alice secret", f"identify alice {D}"),
        ("NickServ", "GHOST alice secret", f"GHOST alice {D}"),
        ("NickServ", "help identify", "help identify"),
        ("#room", "identify alice secret", "identify alice secret"),
        ("#room", "/msg bob identify secret", "/msg bob identify secret"),
        ("x", "login works", "login works"),
    ],
)  # fmt: skip
def test_passwords_are_found_where_they_are_typed(target: str, typed: str, shown: str) -> None:
    assert passwords.hide(typed, passwords.find(target, typed)) == shown


def test_a_password_for_nickserv_is_sent_but_neither_shown_nor_kept() -> None:
    model = online(":s CAP * NEW :echo-message", ":s CAP * ACK :echo-message")
    model.take_lines()
    model.submit("#room", "/msg NickServ IDENTIFY alice secret-1")
    dialogue(
        model,
        "C: PRIVMSG NickServ :IDENTIFY alice secret-1",
        "S: :alice!u@h PRIVMSG NickServ :IDENTIFY alice secret-1",
    )
    model.submit("nickserv", "SET PASSWORD secret-2")
    model.conversations["nickserv"].draft = "identify secret-3"
    entries = model.conversations["nickserv"]
    shown = [entry.text for entry in (*entries.entries, *entries.pending)]
    assert shown == [f"IDENTIFY alice {D}", f"SET PASSWORD {D}"]
    saved = Saved()
    remember(model, saved)
    assert "secret" not in str(saved)
    assert model.input_history("#room", -1) is None


def test_an_answer_of_nickserv_is_seen_wherever_the_user_is() -> None:
    model = online(":NickServ!s@s NOTICE alice :Your password is changed.")
    model.receive(b":NickServ!s@s NOTICE alice :Your password is changed.", Moment(101.0, 1))
    assert Toast("NickServ: Your password is changed.") in model.take_effects()
