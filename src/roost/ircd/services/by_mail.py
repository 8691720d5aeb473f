"""What NickServ does by e-mail: registrations, addresses and forgotten passwords."""

from roost.chat.credentials import Credentials
from roost.chat.directory import account_of
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Account
from roost.irc.addresses import is_mail_address
from roost.ircd.accounts import verifying
from roost.ircd.accounts.passwords import PasswordError, prepare_new
from roost.ircd.accounts.verifying import NO_MAIL, SENT
from roost.ircd.context import Context, Job, RefusedError, Result
from roost.ircd.services.nickserv_reply import say, send_refused
from roost.ircd.sessions.work import HashPassword, Outcome

UNKNOWN = "If the account has an e-mail address, a code was sent to it"
"""The answer for any account, so that nobody learns whether it has one."""


def _is_possible(context: Context, email: str) -> bool:
    if not context.config.mail.is_on:
        say(context, f"{NO_MAIL}.")
    elif not is_mail_address(email):
        say(context, "This needs an e-mail address, such as alice@example.org.")
    else:
        return True
    return False


def _failed(context: Context, text: str) -> None:
    say(context, f"{text}.")


def register_by_mail(context: Context, name: str, password: str, email: str) -> Result:
    """Register an account whose owner then answers from an e-mail address."""
    if not _is_possible(context, email):
        return None
    try:
        prepared = prepare_new(password, name)
    except PasswordError as error:
        say(context, f"{error}.")
        return None

    def sent(context: Context) -> None:
        say(context, f"{SENT}. To get the account, send: VERIFY {name} <code>")

    def then(context: Context, made: Outcome) -> Result:
        assert isinstance(made, Credentials), "this is what hashing gives"
        return verifying.ask(
            context,
            "register",
            name,
            email,
            credentials=made,
            sent=sent,
            failed=_failed,
            refused=send_refused,
        )

    return Job(HashPassword(prepared), then, verifying.busy(_failed))


def set_email(context: Context, words: tuple[str, ...]) -> Result:
    """Set the address of one's own account, once its owner answers from there."""
    account = account_of(context.state, context.user)
    if account is None:
        raise RefusedError(Refusal(Reason.NOT_LOGGED_IN))
    if not _is_possible(context, words[0] if len(words) == 1 else ""):
        return None
    name = account.name

    def sent(context: Context) -> None:
        say(context, f"{SENT}. To set it, send: VERIFY {name} <code>")

    return verifying.ask(
        context, "email", name, words[0], sent=sent, failed=_failed, refused=send_refused
    )


def send_reset(context: Context, account: Account | None) -> Result:
    """Send a code for a new password, and always say the same."""
    if not context.config.mail.is_on:
        say(context, f"{NO_MAIL}.")
        return None

    def sent(context: Context) -> None:
        say(context, f"{UNKNOWN}.")

    if account is None or not account.email or account.is_external:
        sent(context)
        return None
    return verifying.ask(
        context,
        "reset",
        account.name,
        account.email,
        sent=sent,
        failed=lambda context, _text: sent(context),
        refused=lambda context, _refusal: sent(context),
    )


def reset(context: Context, name: str, code: str, password: str) -> Result:
    """Set a new password with a code."""

    def told(context: Context, _account: str, text: str) -> None:
        say(context, f"{text}.")

    if not verifying.is_known(context, name, code):
        # The log counts it, and refuses it.
        return verifying.take(context, name, code, told=told, refused=send_refused)
    try:
        prepared = prepare_new(password, name)
    except PasswordError as error:
        say(context, f"{error}.")
        return None

    def then(context: Context, made: Outcome) -> Result:
        assert isinstance(made, Credentials), "this is what hashing gives"
        return verifying.take(
            context, name, code, credentials=made, told=told, refused=send_refused
        )

    return Job(HashPassword(prepared), then, verifying.busy(_failed))
