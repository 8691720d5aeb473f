"""Make an account, log in to it and change its password, while the client runs.

While offline or refused, logging in means to connect again with the password (`registration`).
Online, it is a SASL exchange on the same connection.

Sources: ircv3.net, "sasl-3.2", "draft/account-registration"; docs/accounts.md for NickServ.
"""

import dataclasses

from roost.client.model import login
from roost.client.model.effects import Reconnect
from roost.client.model.incoming import Incoming
from roost.client.model.state import State
from roost.client.model.text import clean_name, clean_text

REGISTRATION = "draft/account-registration"


def log_in(state: State, account: str, password: str) -> None:
    """Log in, now or with the next connection, which is tried at once."""
    state.profile = dataclasses.replace(
        state.profile, account=account, password=password, next_password=""
    )
    if not state.is_online:
        state.effects.append(Reconnect())
    elif "sasl" not in state.offered.available:
        state.emit("PRIVMSG", "NickServ", f"IDENTIFY {account} {password}")
    elif state.offered.has("sasl"):
        login.log_in(state)
    else:
        state.registration.wants_login = True
        state.emit("CAP", "REQ", "sasl")


def needs_proof(state: State) -> bool:
    """Return whether the server wants an e-mail address, or an invitation code in its place."""
    return "email-required" in state.offered.available.get(REGISTRATION, "").split(",")


def register(state: State, password: str, proof: str = "") -> None:
    """Make the nickname an account; `proof` is an e-mail address or an invitation code."""
    if not _is_online(state):
        return
    state.profile = dataclasses.replace(state.profile, next_password=password)
    if REGISTRATION in state.offered.available:
        state.emit("REGISTER", "*", proof or "*", password)
    else:
        state.emit("PRIVMSG", "NickServ", f"REGISTER {password} {proof}".rstrip())


def verify(state: State, code: str) -> None:
    """Complete a registration with the code from an e-mail."""
    if not _is_online(state):
        return
    account = state.pending_account or state.nick
    if REGISTRATION in state.offered.available:
        state.emit("VERIFY", account, code)
    else:
        state.emit("PRIVMSG", "NickServ", f"VERIFY {account} {code}")


def receive_registered(state: State, line: Incoming) -> None:
    """Handle REGISTER and VERIFY, the answers to the same commands."""
    status = line.word(0).upper()
    if status == "VERIFICATION_REQUIRED":
        state.pending_account = clean_name(line.word(1))
        state.toast("A code was sent to your e-mail address. Complete it with /verify CODE")
    elif status == "SUCCESS":
        state.pending_account = ""
        account = clean_name(line.word(1))
        state.profile = dataclasses.replace(
            state.profile,
            account=account,
            password=state.profile.next_password or state.profile.password,
            next_password="",
        )
        state.toast(f"The account {account} is yours. The next start asks for its password.")
    else:
        state.toast(clean_text(line.last))


def change_password(state: State, password: str) -> None:
    """Change the password of the account that the user is logged in to."""
    if not _is_online(state):
        return
    # Which of both is valid shows at the next login.
    state.profile = dataclasses.replace(state.profile, next_password=password)
    state.emit("PRIVMSG", "NickServ", f"SET PASSWORD {password}")


def log_out(state: State) -> None:
    """Log out; the account stays."""
    if _is_online(state):
        state.profile = dataclasses.replace(state.profile, password="")
        state.emit("PRIVMSG", "NickServ", "LOGOUT")


def password_problem(password: str, again: str) -> str:
    """Say what is wrong with a new password; return "" if nothing is."""
    if len(password) < 8:
        return "A password has at least 8 characters."
    if any(character.isspace() for character in password):
        return "A password has no spaces."
    return "" if password == again else "The two passwords are different."


def _is_online(state: State) -> bool:
    if not state.is_online:
        state.toast("You are not connected at the moment", is_error=True)
    return state.is_online
