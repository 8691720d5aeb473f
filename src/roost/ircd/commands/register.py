"""REGISTER and VERIFY: register an account, also during connection registration.

Source: ircv3.net/specs/extensions/account-registration.
"""

from roost.chat.admission import address_key
from roost.chat.applied import Applied
from roost.chat.attempts import seconds_to_wait
from roost.chat.changes import AccountRegistered
from roost.chat.commands.accounts import RegisterAccount, RegisterEarly
from roost.chat.credentials import Credentials
from roost.chat.directory import account_by_id
from roost.chat.ids import FoldedNick
from roost.chat.refusals import Reason, Refusal
from roost.chat.reservations import is_service
from roost.irc.addresses import is_mail_address
from roost.irc.casemapping import fold_nick
from roost.irc.message import Message
from roost.irc.names import is_valid_nick
from roost.ircd.accounts.denial import find
from roost.ircd.accounts.login import account_of, log_in_early
from roost.ircd.accounts.login_reply import send_login_refusal, send_registered, send_verified
from roost.ircd.accounts.passwords import PasswordError, prepare, prepare_new
from roost.ircd.accounts.provider import PROVIDED
from roost.ircd.accounts.registering import take_invitation
from roost.ircd.accounts.verifying import NO_MAIL, NO_MAILBOX, SENT, ask, take
from roost.ircd.context import Context, Job, RefusedError, Request, Result
from roost.ircd.rendering.packing import middle
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.session import Phase
from roost.ircd.sessions.work import HashPassword, Outcome, WorkFailed


@command("REGISTER", parameters_min=3, is_before_registration=True)
def register(context: Context, message: Message) -> Result:
    """Register an account with the given name; an email address is ignored."""
    name, email, password = message.parameters[:3]
    if name == "*":
        name = context.nick
    if name == "*":
        context.fail("NEED_NICK", "*", text="Choose a nickname first", is_specified=True)
        return None
    account = account_of(context)
    if account:
        raise RefusedError(Refusal(Reason.ALREADY_LOGGED_IN, account))
    context.targets = (name,)
    if not context.config.login.has_own_accounts:
        code = "TEMPORARILY_UNAVAILABLE"
        context.fail(code, middle(name), text=PROVIDED, is_specified=True)
        return None
    check_name(context, name)
    is_by_mail = context.state.settings.registration == "email"
    if is_by_mail and not _can_write_to(context, name, email):
        return None
    is_free = is_by_mail or _is_made(context, name)
    invitation = "" if is_free else take_invitation(context, email)
    code = "UNACCEPTABLE_PASSWORD"
    try:
        prepare(password)
        code = "WEAK_PASSWORD"
        prepared = prepare_new(password, name)
    except PasswordError as error:
        context.fail(code, middle(name), text=str(error), is_specified=True)
        return None

    def then(context: Context, made: Outcome) -> Result:
        if is_by_mail:
            return _ask_by_mail(context, name, email, made)
        return _make(context, name, made, invitation)

    return Job(HashPassword(prepared), then, _too_busy)


def check_name(context: Context, name: str) -> None:
    """Refuse at once what the log would refuse, before any slow work.

    Raises:
        RefusedError: as the log would refuse it.
    """
    state, session = context.state, context.session
    if _is_made(context, name):
        return
    known = find(state, name)
    if not is_valid_nick(name, state.settings.nick_bytes_max) or is_service(name):
        raise RefusedError(Refusal(Reason.ACCOUNT_NAME_INVALID, name))
    if known is not None:
        raise RefusedError(Refusal(Reason.ACCOUNT_EXISTS, name))
    bearer = state.nicks.get(FoldedNick(fold_nick(name)))
    if bearer is not None and bearer != session.user:
        raise RefusedError(Refusal(Reason.ACCOUNT_NAME_IN_USE, name))
    key = address_key(session.address, state.settings.address_exempt_networks)
    limit = state.settings.registrations_per_address_max
    wait_s = seconds_to_wait(state, f"r:{key}", limit, context.now.wall_ms) if key else 0
    if wait_s:
        raise RefusedError(Refusal(Reason.TOO_MANY_ATTEMPTS, "", str(wait_s)))


def _is_made(context: Context, name: str) -> bool:
    """Return whether this same line has made the account already, and is handled again."""
    known = find(context.state, name)
    return known is not None and known.registered_by == (context.session.id, context.line)


def _make(context: Context, name: str, made: Outcome, invitation: str) -> Result:
    assert isinstance(made, Credentials), "that is what hashing gives"
    session = context.session
    if session.phase is not Phase.REGISTERING:
        return (RegisterAccount(name, made, invitation),)
    command = RegisterEarly(
        session.id, session.generation, context.line, session.address, name, made, invitation
    )
    return Request(command, _made_early)


def _can_write_to(context: Context, name: str, email: str) -> bool:
    """Return whether a code can be sent to an address; if not, say why."""
    code, text = "INVALID_EMAIL", "Give an e-mail address, such as alice@example.org"
    if not context.config.mail.is_on:
        code, text = "TEMPORARILY_UNAVAILABLE", NO_MAIL
    elif is_mail_address(email):
        return True
    context.fail(code, middle(name), text=text, is_specified=True)
    return False


def _ask_by_mail(context: Context, name: str, email: str, made: Outcome) -> Result:
    assert isinstance(made, Credentials), "that is what hashing gives"

    def sent(context: Context) -> None:
        text = f"{SENT}; give it with VERIFY {name} <code>"
        context.send("REGISTER", "VERIFICATION_REQUIRED", name, text)

    def failed(context: Context, text: str) -> None:
        code = "INVALID_EMAIL" if text == NO_MAILBOX else "TEMPORARILY_UNAVAILABLE"
        context.fail(code, middle(name), text=text, is_specified=True)

    return ask(
        context,
        "register",
        name,
        email,
        credentials=made,
        sent=sent,
        failed=failed,
        refused=send_login_refusal,
    )


def _made_early(context: Context, applied: Applied) -> Result:
    for result in applied.results:
        if isinstance(result, Refusal):
            raise RefusedError(result)
        if isinstance(result, AccountRegistered):
            account = account_by_id(context.state, result.account)
            if account is not None:
                send_registered(context, account.name)
                log_in_early(context, account)
    return None


def _too_busy(context: Context, outcome: WorkFailed) -> None:
    name = middle(context.targets[0])
    context.fail("TEMPORARILY_UNAVAILABLE", name, text=outcome.reason, is_specified=True)


@command("VERIFY", parameters_min=2, is_before_registration=True)
def verify(context: Context, message: Message) -> Result:
    """Complete a registration with a code from an e-mail."""
    account = account_of(context)
    if account:
        raise RefusedError(Refusal(Reason.ALREADY_LOGGED_IN, account))
    name, code = message.parameters[:2]
    context.targets = (name,)
    if context.state.pending_codes:
        return take(context, name, code, told=send_verified, refused=send_login_refusal)
    text = "Accounts need no verification here"
    context.fail("INVALID_CODE", middle(message.parameters[0]), text=text, is_specified=True)
    return None
