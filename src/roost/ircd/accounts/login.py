"""Proves that a client owns an account, for all commands that need it.

    return check_password(context, name, password, done)

counts the attempt for all nodes, has the password checked, and calls `done` with the account, or
with a `Denial` that explains the failure. `done` returns a handler's result; for a registered
client that is `log_in(account)`.
"""

from collections.abc import Callable

from roost.chat.applied import Applied
from roost.chat.commands import Operation
from roost.chat.commands.accounts import CountLogin, LogIn
from roost.chat.directory import account_by_id
from roost.chat.ids import FoldedAccount
from roost.chat.refusals import Refusal
from roost.chat.state import Account
from roost.irc import numerics
from roost.irc.casemapping import fold_nick
from roost.ircd.accounts.denial import WRONG, Denial, Done, find, words_of
from roost.ircd.accounts.passwords import PasswordError, prepare
from roost.ircd.accounts.provider import ask_provider, is_ours
from roost.ircd.context import Context, Job, Request, Result
from roost.ircd.sessions.sasl import LINES_MAX
from roost.ircd.sessions.session import Phase
from roost.ircd.sessions.work import Outcome, VerifyPassword, WorkFailed

ACCOUNT_BYTES_MAX = 64
"""Bytes of a name that is counted: twice as many as an account's may have."""


def check_password(context: Context, name: str, password: str, done: Done) -> Result:
    """Check the password of an account; see the module."""

    def look(context: Context) -> Result:
        account, login = find(context.state, name), context.config.login
        is_own = account is not None and is_ours(login, account)
        if login.checks_passwords and not is_own:
            return ask_provider(context, name, password, done)
        if account is None or not is_own or not account.credentials.password:
            return done(context, WRONG)
        try:
            work = VerifyPassword(account.credentials.password, prepare(password))
        except PasswordError:
            return done(context, WRONG)
        number = account.id

        def then(context: Context, outcome: Outcome) -> Result:
            known = account_by_id(context.state, number)
            return done(context, known if known is not None and outcome is True else WRONG)

        def failed(context: Context, outcome: WorkFailed) -> None:
            done(context, Denial(outcome.reason))

        return Job(work, then, failed)

    return count_attempt(context, name, look, done)


def count_attempt(
    context: Context, name: str, look: Callable[[Context], Result], done: Done
) -> Result:
    """Count an attempt to log in to `name`, then call `look` unless there were too many."""

    def then(context: Context, applied: Applied) -> Result:
        for result in applied.results:
            if isinstance(result, Refusal):
                return done(context, Denial(words_of(result)))
        return look(context)

    session = context.session
    if not name or len(name.encode()) > ACCOUNT_BYTES_MAX:
        return done(context, WRONG)
    command = CountLogin(session.id, session.generation, context.line, session.address, name)
    return Request(command, then)


def find_by_certificate(context: Context, name: str) -> Account | None:
    """Return an account that accepts the client's certificate.

    Of several, that is the one that the client names, else the one with its nickname, else the
    oldest one.
    """
    fingerprint = context.session.certificate
    if not fingerprint:
        return None
    accounts, login = context.state.accounts, context.config.login

    def accepts(account: Account) -> bool:
        return fingerprint in account.certificates and is_ours(login, account)

    for wanted in (name, context.nick):
        account = accounts.get(FoldedAccount(fold_nick(wanted)))
        if account is not None and accepts(account):
            return account
        if name:
            return None
    return next((account for account in accounts.values() if accepts(account)), None)


def log_in(account: Account) -> tuple[Operation, ...]:
    """Return the operation that logs in a registered client, which has proven its account."""
    return (LogIn(account.id),)


def abort_exchange(context: Context) -> None:
    """Abort a SASL exchange.

    "If the client completes registration [...] while the SASL authentication is still in progress,
    the server SHOULD abort it and send a 906 numeric".
    """
    if context.session.sasl is not None:
        context.session.sasl = None
        context.reply(numerics.ERR_SASLABORTED, "SASL authentication aborted")


def count_line(context: Context) -> None:
    """Count a line of any kind within a SASL exchange, and abort the exchange after too many."""
    exchange = context.session.sasl
    if exchange is not None and context.session.phase is not Phase.REGISTERING:
        exchange.lines += 1
        if exchange.lines > LINES_MAX:
            abort_exchange(context)


def account_of(context: Context) -> str:
    """Return the account that the client is logged in to, or will be; empty for none."""
    if context.session.phase is not Phase.REGISTERING:
        return context.user.account
    account = account_by_id(context.state, context.session.registration.account)
    return account.name if account is not None else ""


def log_in_early(context: Context, account: Account) -> None:
    """Note the account of a client that is not registered yet, and tell it."""
    context.session.registration.account = account.id
    send_logged_in(context, account.name)


def send_logged_in(context: Context, account: str) -> None:
    """Send RPL_LOGGEDIN or, if there is no account any more, RPL_LOGGEDOUT."""
    if account:
        text = f"You are now logged in as {account}"
        context.reply(numerics.RPL_LOGGEDIN, _mask(context), account, text)
    else:
        context.reply(numerics.RPL_LOGGEDOUT, _mask(context), "You are now logged out")


def _mask(context: Context) -> str:
    session = context.session
    if session.phase is not Phase.REGISTERING:
        user = context.user
        return f"{session.nick}!{user.username}@{user.host}"
    address = session.address
    host = f"0{address}" if address.startswith(":") else address
    return f"{session.nick}!{session.registration.username or '*'}@{host}"
