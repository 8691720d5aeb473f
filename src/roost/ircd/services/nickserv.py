"""NickServ: accounts.

Whoever registers an account owns its name: nobody else can use it as a nickname, and rooms, history
and operators know its clients by it. This module parses commands; `chat.accounts` decides.
"""

import hashlib
import hmac
import re
from collections.abc import Callable

from roost.chat.access import folded_account
from roost.chat.commands import Operation
from roost.chat.commands.accounts import (
    AddCertificate,
    DropAccount,
    EndClients,
    LogOut,
    RegisterAccount,
    RemoveCertificate,
    SetCredentials,
)
from roost.chat.commands.users import ChangeNick
from roost.chat.credentials import Credentials
from roost.chat.hosts import is_operator
from roost.chat.ids import FoldedAccount, FoldedNick
from roost.chat.refusals import Reason, Refusal
from roost.chat.reservations import is_service
from roost.chat.state import Account
from roost.chat.suspensions import why_suspended
from roost.irc.casemapping import fold_nick
from roost.ircd.accounts.denial import Denial, find
from roost.ircd.accounts.login import check_password, find_by_certificate, log_in
from roost.ircd.accounts.passwords import PasswordError, prepare_new
from roost.ircd.accounts.provider import PROVIDED, is_ours
from roost.ircd.accounts.registering import take_invitation
from roost.ircd.accounts.suspended import suspension_words
from roost.ircd.context import Context, Job, RefusedError, Result
from roost.ircd.queries.moments import human_time
from roost.ircd.services.always_on import set_always_on
from roost.ircd.services.autoreplay import set_lines
from roost.ircd.services.by_mail import register_by_mail, set_email
from roost.ircd.services.nickserv_reply import NAME, say, send_refused
from roost.ircd.services.registry import add_service, service_command
from roost.ircd.sessions.work import HashPassword, Outcome, WorkFailed

CODE_DIGITS = 8
"""Digits of a confirmation code, which prevents mistakes and need not be secret."""

_fingerprint = re.compile(r"[0-9a-f]{64}", flags=re.ASCII)

add_service(
    NAME,
    "NS",
    "An account reserves your nickname for you, and lets rooms recognise you.",
    send_refused,
)


def _own_account(context: Context) -> Account:
    account = context.state.accounts.get(folded_account(context.user))
    if account is None:
        raise RefusedError(Refusal(Reason.NOT_LOGGED_IN))
    return account


def _failed(context: Context, failure: WorkFailed) -> None:
    say(context, f"{failure.reason}.")


def hash_password(
    context: Context, password: str, account: str, make: Callable[[Credentials], Operation]
) -> Result:
    """Hash a new password, then make the operation that needs it."""
    try:
        prepared = prepare_new(password, account)
    except PasswordError as error:
        say(context, f"{error}.")
        return None

    def then(_context: Context, outcome: Outcome) -> Result:
        assert isinstance(outcome, Credentials), "this is what hashing gives"
        return (make(outcome),)

    return Job(HashPassword(prepared), then, _failed)


def _done(context: Context, account: Account | Denial) -> Result:
    if isinstance(account, Denial):
        say(context, f"{account.reason}.")
        return None
    suspended = why_suspended(account, context.now.wall_ms)
    if suspended is not None:
        send_refused(context, suspended)
        return None
    return log_in(account)


# Logging in and out


@service_command(
    NAME,
    "REGISTER",
    usage="REGISTER <password> [<email>|<code>]",
    text="Registers your nickname as an account. Some networks need your email address, or a code"
    " with which they invite people.",
    words_min=1,
)
def register(context: Context, words: tuple[str, ...]) -> Result:
    """Register the nickname as an account."""
    name = context.user.nick
    if context.user.account:
        send_refused(context, Refusal(Reason.ALREADY_LOGGED_IN, context.user.account))
    elif not context.config.login.has_own_accounts:
        say(context, f"{PROVIDED}.")
    elif is_service(name) or find(context.state, name) is not None:
        send_refused(context, Refusal(Reason.ACCOUNT_EXISTS, name))
    elif len(words) > 2 or (len(words) == 2 and not _may_follow(context, words[1])):
        say(context, "The password must not contain spaces. An email address may follow it.")
    elif context.state.settings.registration == "email":
        return register_by_mail(context, name, words[0], words[1] if len(words) > 1 else "")
    else:
        invitation = take_invitation(context, words[1] if len(words) > 1 else "")
        return hash_password(
            context, words[0], name, lambda made: RegisterAccount(name, made, invitation)
        )
    return None


def _may_follow(context: Context, word: str) -> bool:
    """Return whether a word after a password is what belongs there, and not part of it."""
    return "@" in word or context.state.settings.registration == "invitation"


@service_command(
    NAME,
    "IDENTIFY",
    usage="IDENTIFY [[<account>] <password>]",
    text="Logs you in, by password or by your client's certificate.",
    synonyms=("LOGIN", "AUTH"),
)
def identify(context: Context, words: tuple[str, ...]) -> Result:
    """Log in."""
    name = words[0] if len(words) > 1 else context.user.nick
    if words:
        return check_password(context, name, words[-1], _done)
    account = find_by_certificate(context, "")
    if account is not None:
        return _done(context, account)
    say(context, "Send your password, or connect with a certificate that the account accepts.")
    return None


@service_command(NAME, "LOGOUT", usage="LOGOUT", text="Logs you out; your account stays.")
def logout(context: Context, _words: tuple[str, ...]) -> Result:
    """Log out."""
    _own_account(context)
    return (LogOut(),)


@service_command(
    NAME,
    "REGAIN",
    usage="REGAIN",
    text="Gives you your account's nickname, and disconnects others that use it.",
    synonyms=("RECOVER", "RELEASE"),
)
def regain(context: Context, _words: tuple[str, ...]) -> Result:
    """Change the nickname to the account's name."""
    account = _own_account(context)
    bearer = context.state.nicks.get(FoldedNick(fold_nick(account.name)))
    if bearer == context.user.id and context.user.nick == account.name:
        say(context, f"Your nickname is already {account.name}.")
        return None
    take = ChangeNick(account.name)
    if bearer is None or bearer == context.user.id or bearer in context.state.always_on.values():
        return (take,)
    return (EndClients(account.name), take)


@service_command(
    NAME,
    "GHOST",
    usage="GHOST <nick>",
    text="Disconnects clients of your account that use another nickname.",
    words_min=1,
)
def ghost(_context: Context, words: tuple[str, ...]) -> Result:
    """Disconnect another user of the same account."""
    return (EndClients(words[0]),)


@service_command(
    NAME,
    "DROP",
    usage="DROP [<code>]",
    text="Deletes your account and its rooms; you are asked for a confirmation code.",
    synonyms=("UNREGISTER",),
)
def drop(context: Context, words: tuple[str, ...]) -> Result:
    """Delete the account, after a confirmation."""
    account = _own_account(context)
    if is_confirmed(context, account, words, "DROP"):
        return (DropAccount(account.id),)
    return None


def is_confirmed(context: Context, account: Account, words: tuple[str, ...], command: str) -> bool:
    """Return whether the last word is the confirmation code; otherwise ask for it."""
    text = f"DROP {account.id} {account.created_ms}"
    secret = context.state.secret
    code = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:CODE_DIGITS]
    if words and words[-1].lower() == code:
        return True
    say(context, f"The account {account.name} and its rooms will be deleted for good.")
    say(context, f"To confirm, send: {command} {code}")
    return False


# Credentials and settings


def _set_password(context: Context, words: tuple[str, ...]) -> Result:
    account = _own_account(context)
    if not is_ours(context.config.login, account):
        say(context, f"{PROVIDED}.")
        return None
    if len(words) != 1:
        say(context, "SET PASSWORD needs the new password, without spaces.")
        return None
    return hash_password(
        context, words[0], account.name, lambda made: SetCredentials(account.id, made)
    )


_SETTINGS = {
    "PASSWORD": _set_password,
    "ALWAYS-ON": set_always_on,
    "EMAIL": set_email,
    "AUTOREPLAY-LINES": set_lines,
}


@service_command(
    NAME,
    "SET",
    usage="SET PASSWORD <password> | SET ALWAYS-ON <on|off> | SET EMAIL <address>"
    " | SET AUTOREPLAY-LINES <n|off|default>",
    text="Changes your password or your e-mail address, keeps you in your rooms while you are"
    " disconnected, or shows your clients up to n earlier messages of a room that they enter.",
    words_min=1,
)
def set_(context: Context, words: tuple[str, ...]) -> Result:
    """Change a setting of the account."""
    setting = _SETTINGS.get(words[0].upper())
    if setting is None:
        say(context, f"Expected one of {', '.join(_SETTINGS)}.")
        return None
    return setting(context, words[1:])


@service_command(
    NAME,
    "CERT",
    usage="CERT LIST | CERT ADD [<fingerprint>] | CERT DEL [<fingerprint>]",
    text="Manages the client certificates that your account accepts, by fingerprint.",
)
def cert(context: Context, words: tuple[str, ...]) -> Result:
    """Show or change the certificates that the account accepts."""
    account = _own_account(context)
    what = words[0].upper() if words else "LIST"
    if what == "LIST":
        _list_certificates(context, account)
        return None
    if what not in ("ADD", "DEL"):
        say(context, "Expected LIST, ADD or DEL.")
        return None
    if what == "ADD" and not is_ours(context.config.login, account):
        say(context, f"{PROVIDED}.")
        return None
    given = " ".join(words[1:]) or context.session.certificate
    fingerprint = given.replace(":", "").lower()
    if not given:
        say(context, "Connect by TLS with a certificate, or give its fingerprint.")
    elif not _fingerprint.fullmatch(fingerprint):
        say(context, "A fingerprint is a SHA-256 hash in 64 hexadecimal digits.")
    elif what == "ADD":
        return (AddCertificate(account.id, fingerprint),)
    else:
        return (RemoveCertificate(account.id, fingerprint),)
    return None


def _list_certificates(context: Context, account: Account) -> None:
    for fingerprint in account.certificates:
        is_own = fingerprint == context.session.certificate
        say(
            context,
            f"{fingerprint} is accepted for {account.name}{', it is yours' if is_own else ''}.",
        )
    limit = context.state.settings.certificates_per_account_max
    say(context, f"{len(account.certificates)} of up to {limit} certificates.")


# Questions


@service_command(
    NAME, "INFO", usage="INFO [<account>]", text="Shows when an account was registered."
)
def info(context: Context, words: tuple[str, ...]) -> Result:
    """Show what everybody may know about an account, and more to its owner."""
    account = find(context.state, words[0]) if words else _own_account(context)
    if account is None:
        send_refused(context, Refusal(Reason.NO_SUCH_ACCOUNT, words[0]))
        return None
    state, folded = context.state, FoldedAccount(fold_nick(account.name))
    say(context, f"{account.name} was registered {human_time(account.created_ms)}.")
    is_own = folded == folded_account(context.user)
    if not is_own and not is_operator(context.user):
        return None
    suspended = why_suspended(account, context.now.wall_ms)
    if suspended is not None:
        say(context, f"{suspension_words(suspended)}.")
    _list_certificates(context, account)
    is_on = "on" if account.is_always_on else "off"
    rooms = len(state.founded.get(folded, ()))
    say(context, f"ALWAYS-ON is {is_on}; {rooms} rooms belong to {'you' if is_own else 'them'}.")
    return None


@service_command(
    NAME, "LIST", usage="LIST", text="Lists your connected clients.", synonyms=("SESSIONS",)
)
def list_clients(context: Context, _words: tuple[str, ...]) -> Result:
    """List the account's clients."""
    account = _own_account(context)
    state, count = context.state, 0
    for user_id in state.users_by_account.get(FoldedAccount(fold_nick(account.name)), {}):
        user = state.users[user_id]
        for number in user.sessions:
            session = state.sessions[number]
            way = "by TLS" if session.is_secure else "without TLS"
            address = f" from {session.address}" if session.address else ""
            is_this = ": this one" if number == context.session.id else ""
            say(context, f"{user.nick}{address} {way}{is_this}.")
            count += 1
        if not user.sessions:
            say(context, f"{user.nick} is always on, without a connected client.")
    say(context, f"{count} of up to {state.settings.sessions_per_account_max} clients.")
    return None
