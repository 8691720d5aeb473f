"""Log in by SASL while registering or later, and end the capability negotiation.

Sources: ircv3.net, "sasl-3.2", "capability-negotiation"; docs/resume.md.
"""

import base64
import binascii
import dataclasses
import hashlib

from roost.client.model import sasl
from roost.client.model.effects import Abandon
from roost.client.model.incoming import Incoming
from roost.client.model.state import State
from roost.client.model.status import Problem, ProblemKind
from roost.client.model.text import clean_name, clean_text
from roost.irc import scram

AUTHENTICATE_CHUNK = 400
"""Of base64 in an AUTHENTICATE (sasl-3.1)."""


def has_proof(state: State) -> bool:
    """Return whether there is something to log in with."""
    return bool(state.profile.password) or state.profile.has_certificate


def log_in(state: State, *, is_by_certificate: bool = True) -> None:
    """Log in by certificate if the server accepts one, else by password."""
    value = state.offered.available.get("sasl", "")
    mechanisms = value.upper().split(",") if value else [sasl.PLAIN]
    profile = state.profile
    account = profile.account or profile.nick
    exchange: sasl.Exchange
    if is_by_certificate and profile.has_certificate and sasl.EXTERNAL in mechanisms:
        exchange = sasl.external(profile.account)
    elif not profile.password:
        # The user may have to be online to add the certificate to the account.
        state.toast("You are not logged in: no account here has your certificate", is_error=True)
        _end_unless_over(state)
        return
    elif sasl.SCRAM in mechanisms:
        seed = f"{state.nonce} {state.next_word('')} {state.moment}".encode()
        exchange = scram.Client(account, profile.password, hashlib.sha256(seed).hexdigest())
    elif sasl.PLAIN in mechanisms:
        exchange = sasl.plain(account, profile.password)
    else:
        offered = clean_text(", ".join(mechanisms))
        state.toast(f"The server offers only unknown ways to log in: {offered}", is_error=True)
        _end_unless_over(state)
        return
    state.registration.sasl = exchange
    state.registration.sasl_data = ""
    state.emit("AUTHENTICATE", exchange.name)


def _end_unless_over(state: State) -> None:
    if not state.registration.is_over:
        end(state)


def end(state: State) -> None:
    """Resume a session if there is one, and end the negotiation."""
    if state.resume_token and state.offered.has("roost.chat/resume"):
        seen = (state.last_msgid,) if state.last_msgid else ()
        state.emit("RESUME", state.resume_token, *seen)
    state.emit("CAP", "END")


def receive_authenticate(state: State, line: Incoming) -> None:
    """Answer the server's challenge."""
    registration = state.registration
    exchange = registration.sasl
    if exchange is None:
        return
    data = line.word(0)
    if data != "+":
        registration.sasl_data += data
        if len(data) >= AUTHENTICATE_CHUNK and len(registration.sasl_data) < 65_536:
            return
    challenge, registration.sasl_data = registration.sasl_data, ""
    try:
        response = exchange.respond(base64.b64decode(challenge, validate=True))
    except (scram.ScramError, binascii.Error, ValueError) as error:
        stop(state, ProblemKind.ACCOUNT, f"Login failed: {error}.")
        return
    encoded = base64.b64encode(response).decode()
    for start in range(0, len(encoded), AUTHENTICATE_CHUNK):
        state.emit("AUTHENTICATE", encoded[start : start + AUTHENTICATE_CHUNK])
    if len(encoded) % AUTHENTICATE_CHUNK == 0:
        # An empty response, too, is sent as "+".
        state.emit("AUTHENTICATE", "+")


def receive_logged_in(state: State, line: Incoming) -> None:
    """Handle RPL_LOGGEDIN (900) and RPL_LOGGEDOUT (901)."""
    state.account = clean_name(line.word(2)) if line.command == "900" else ""


def receive_sasl_success(state: State, line: Incoming) -> None:
    """Handle RPL_SASLSUCCESS (903)."""
    registration = state.registration
    if registration.sasl is not None and not registration.sasl.is_proven():
        stop(state, ProblemKind.ACCOUNT, "The server did not prove that it knows the password.")
        return
    registration.sasl = None
    if line.command != "903":
        return
    if not registration.is_over:
        if registration.wants_nick:
            state.emit("NICK", state.wanted_nick)
        end(state)
        return
    state.toast(f"You are logged in as {state.account or state.profile.account}")
    if state.fold(state.nick) != state.fold(state.wanted_nick):
        state.emit("NICK", state.wanted_nick)


def receive_sasl_failure(state: State, line: Incoming) -> None:
    """Handle a failed login (902, 904 to 906)."""
    exchange = state.registration.sasl
    if exchange is None:
        return
    state.registration.sasl = None
    if exchange.name == sasl.EXTERNAL:
        log_in(state, is_by_certificate=False)
        return
    if state.profile.next_password:
        state.profile = dataclasses.replace(
            state.profile, password=state.profile.next_password, next_password=""
        )
        log_in(state, is_by_certificate=False)
        return
    account = state.profile.account or state.profile.nick
    text = (
        f"The password for the account {clean_name(account)} is wrong, or there is no such "
        f"account ({clean_text(line.last)})."
    )
    state.profile = dataclasses.replace(state.profile, password="")
    if state.registration.is_over:
        state.toast(text, is_error=True)
    else:
        advice = "Check the account's name and the password."
        stop(state, ProblemKind.ACCOUNT, text, advice)


def stop(state: State, kind: ProblemKind, text: str, advice: str = "") -> None:
    """Give up until the user has done something."""
    problem = Problem(kind, text, advice, is_final=True)
    state.farewell = problem
    state.effects.append(Abandon(problem))
