"""AUTHENTICATE: log in by SASL, before registration and after it.

    AUTHENTICATE <mechanism> --> AUTHENTICATE + --> base64 in chunks of 400 --> 900 and 903, or 904

Source: ircv3.net/specs/extensions/sasl-3.1 and sasl-3.2; RFC 4616 (PLAIN), RFC 4422, appendix A
(EXTERNAL), `irc.oauth`, `irc.scram`.
"""

import base64
import binascii

from roost.chat.state import Account
from roost.chat.suspensions import why_suspended
from roost.irc import numerics, oauth
from roost.irc.casemapping import fold_nick
from roost.irc.message import Message
from roost.irc.scram import Challenge, ScramError, parse_client_first, verify
from roost.ircd.accounts.denial import Denial, find
from roost.ircd.accounts.login import (
    abort_exchange,
    check_password,
    count_attempt,
    find_by_certificate,
    log_in,
    log_in_early,
)
from roost.ircd.accounts.login_reply import send_suspended
from roost.ircd.accounts.provider import check_token, is_ours
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions import sasl, scram
from roost.ircd.sessions.sasl import Exchange
from roost.ircd.sessions.session import Phase


@command("AUTHENTICATE", parameters_min=1, is_before_registration=True)
def authenticate(context: Context, message: Message) -> Result:
    """Begin or continue an exchange, also for clients that did not negotiate the capability."""
    text = message.parameters[0]
    if text == "*":
        context.session.sasl = Exchange("", context.line)
        abort_exchange(context)
        return None
    exchange = context.session.sasl
    if exchange is None:
        return _begin(context, text.upper())
    if len(text) > sasl.CHUNK_BYTES_MAX:
        context.session.sasl = None
        context.reply(numerics.ERR_SASLTOOLONG, "SASL message too long")
        return None
    bytes_max = sasl.message_bytes_max(exchange.mechanism)
    if len(exchange.received) + len(text) > bytes_max:
        return _fail(context, f"More than {bytes_max} bytes of base64")
    if text != "+":
        exchange.received += text
    if len(text) == sasl.CHUNK_BYTES_MAX:
        # "If the last chunk was exactly 400 bytes long, it must also be followed by
        # AUTHENTICATE +".
        return None
    received, exchange.received = exchange.received, ""
    try:
        data = base64.b64decode(received, validate=True)
    except (binascii.Error, ValueError):
        return _fail(context, "The message is not base64")
    return _receive(context, exchange, data)


def _begin(context: Context, mechanism: str) -> Result:
    offered = sasl.mechanisms(context.config.login, context.session.certificate)
    if mechanism not in offered:
        context.reply(numerics.RPL_SASLMECHS, ",".join(offered), "are available SASL mechanisms")
        return _fail(context, "There is no such mechanism")
    context.session.sasl = Exchange(mechanism, context.line)
    context.send("AUTHENTICATE", "+")
    return None


def _receive(context: Context, exchange: Exchange, data: bytes) -> Result:
    """Handle a complete message from the client."""
    match exchange.mechanism:
        case sasl.PLAIN:
            return _receive_plain(context, data)
        case sasl.EXTERNAL:
            return _receive_external(context, data)
        case oauth.NAME:
            return _receive_token(context, exchange, data)
    try:
        if exchange.scram is None:
            return _receive_scram_first(context, exchange, data)
        if not exchange.proved:
            return _receive_scram_final(context, exchange.scram, data)
    except ScramError as error:
        return _fail(context, str(error))
    # The client has checked the server's proof.
    account = find(context.state, exchange.proved)
    return _conclude(context, account if account is not None else Denial("It is dropped"))


def _receive_plain(context: Context, data: bytes) -> Result:
    """Handle "[authzid] NUL authcid NUL passwd"."""
    try:
        acting, name, password = data.decode().split("\0")
    except ValueError:
        return _fail(context, "The message is malformed")
    if acting and fold_nick(acting) != fold_nick(name):
        return _fail(context, "The authorization identity must be the account itself")
    context.session.sasl = None
    return check_password(context, name, password, _conclude)


def _receive_external(context: Context, data: bytes) -> Result:
    """Handle the account's name, which may be empty, because the certificate suffices."""
    try:
        name = data.decode()
    except UnicodeDecodeError:
        return _fail(context, "The message is malformed")
    account = find_by_certificate(context, name)
    if account is None:
        return _fail(context, "No such account accepts the certificate")
    return _conclude(context, account)


def _receive_token(context: Context, exchange: Exchange, data: bytes) -> Result:
    """Handle a token; if it is not accepted, tell the client why, and end when it answers."""
    if exchange.failure:
        return _fail(context, exchange.failure)
    try:
        response = oauth.parse_response(data)
    except oauth.OAuthError as error:
        return _fail(context, str(error))
    # Lines meanwhile are not part of the exchange.
    context.session.sasl = None

    def done(context: Context, verdict: Account | Denial) -> Result:
        if not isinstance(verdict, Denial):
            return _conclude(context, verdict)
        exchange.failure = verdict.reason
        context.session.sasl = exchange
        _send(context, oauth.FAILURE)
        return None

    return check_token(context, response.token, response.name, done)


def _receive_scram_first(context: Context, exchange: Exchange, data: bytes) -> Result:
    session, secret = context.session, context.state.secret
    first = parse_client_first(data)
    account = _find_ours(context, first.name)
    credentials = account.credentials if account is not None else None
    exchange.scram = scram.challenge(first, credentials, secret, session.id, exchange.line)
    _send(context, exchange.scram.message)
    return None


def _receive_scram_final(context: Context, known: Challenge, data: bytes) -> Result:
    """Have the attempt counted, then check the proof, which is fast."""
    exchange = context.session.sasl
    # Lines meanwhile are not part of the exchange, which continues if the proof is right.
    context.session.sasl = None

    def look(context: Context) -> Result:
        account = _find_ours(context, known.name)
        credentials = account.credentials if account is not None else None
        try:
            proof = verify(known, data, scram.keys(credentials))
        except ScramError as error:
            return _fail(context, str(error))
        if proof is None or account is None or exchange is None:
            return _fail(context, "Wrong account name or password")
        exchange.proved = account.name
        context.session.sasl = exchange
        _send(context, proof)
        return None

    return count_attempt(context, known.name, look, _conclude)


def _find_ours(context: Context, name: str) -> Account | None:
    """Return the account with a name, if its password is kept here."""
    account = find(context.state, name)
    is_own = account is not None and is_ours(context.config.login, account)
    return account if is_own else None


def _conclude(context: Context, verdict: Account | Denial) -> Result:
    """End the exchange, and log in a client that has proven its account."""
    context.session.sasl = None
    if isinstance(verdict, Denial):
        return _fail(context, verdict.reason)
    suspended = why_suspended(verdict, context.now.wall_ms)
    if suspended is not None:
        send_suspended(context, suspended)
        return None
    if context.session.phase is not Phase.REGISTERING:
        return log_in(verdict)
    log_in_early(context, verdict)
    context.reply(numerics.RPL_SASLSUCCESS, "SASL authentication successful")
    return None


def _fail(context: Context, reason: str) -> Result:
    context.session.sasl = None
    context.reply(numerics.ERR_SASLFAIL, f"SASL authentication failed: {reason}")
    return None


def _send(context: Context, data: bytes) -> None:
    """Send a message in chunks."""
    text = base64.b64encode(data).decode()
    size = sasl.CHUNK_BYTES_MAX
    for start in range(0, len(text), size):
        context.send("AUTHENTICATE", text[start : start + size])
    if len(text) % size == 0:
        context.send("AUTHENTICATE", "+")
