"""Replies about accounts: what the log did, and what it refused.

Source: ircv3.net/specs/extensions/sasl-3.1 (numerics) and account-registration.
"""

from roost.chat.changes import AccountChanged, AccountRegistered
from roost.chat.refusals import Reason, Refusal
from roost.irc import numerics
from roost.irc.capabilities import Capability
from roost.ircd.accounts.denial import words_of
from roost.ircd.accounts.login import send_logged_in
from roost.ircd.accounts.suspended import CODE
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle

_REGISTER_CODES = {
    Reason.ALREADY_LOGGED_IN: "ALREADY_AUTHENTICATED",
    Reason.ACCOUNT_EXISTS: "ACCOUNT_EXISTS",
    Reason.ACCOUNT_NAME_INVALID: "BAD_ACCOUNT_NAME",
    Reason.ACCOUNT_NAME_IN_USE: "BAD_ACCOUNT_NAME",
    Reason.INVITATION_INVALID: "UNACCEPTABLE_EMAIL",
    Reason.EMAIL_REQUIRED: "INVALID_EMAIL",
    Reason.CODE_INVALID: "INVALID_CODE",
}
"""The specification's codes; for all other reasons it is TEMPORARILY_UNAVAILABLE."""

_CODES = {
    Reason.ALREADY_LOGGED_IN: "ALREADY_AUTHENTICATED",
    Reason.ACCOUNT_NAME_INVALID: "BAD_ACCOUNT_NAME",
    Reason.ACCOUNT_EXISTS: "ACCOUNT_EXISTS",
    Reason.ACCOUNT_NAME_IN_USE: "ACCOUNT_NAME_IN_USE",
    Reason.TOO_MANY_ACCOUNTS: "TOO_MANY_ACCOUNTS",
    Reason.TOO_MANY_ATTEMPTS: "TOO_MANY_ATTEMPTS",
    Reason.ACCOUNT_SHARED: "ACCOUNT_SHARED",
    Reason.ACCOUNT_NOT_YOURS: "ACCOUNT_REQUIRED",
    Reason.CERTIFICATE: "CERTIFICATE",
    Reason.NO_SUCH_ACCOUNT: "NO_SUCH_ACCOUNT",
    Reason.ACCOUNT_SUSPENDED: CODE,
    Reason.LOGIN_REQUIRED: "ACCOUNT_REQUIRED",
}


def send_account_changed(context: Context, change: AccountChanged) -> None:
    """Tell a client that it has logged in, or out."""
    if context.command == "VERIFY":
        send_verified(context, change.account, f"The account {change.account} is yours")
    send_logged_in(context, change.account)
    if context.command == "AUTHENTICATE":
        context.reply(numerics.RPL_SASLSUCCESS, "SASL authentication successful")


def send_account_registered(context: Context, change: AccountRegistered) -> None:
    """Tell a client that REGISTER has made its account."""
    if context.command == "REGISTER":
        send_registered(context, change.name)


def send_registered(context: Context, name: str) -> None:
    """Send the reply to a successful REGISTER."""
    context.send("REGISTER", "SUCCESS", name, f"The account {name} is yours")


def send_verified(context: Context, name: str, text: str) -> None:
    """Send the reply to a successful VERIFY."""
    context.send("VERIFY", "SUCCESS", name, text)


def send_suspended(context: Context, refusal: Refusal) -> None:
    """Tell a client that its account is suspended; it has proved that it owns the account."""
    text = words_of(refusal)
    if context.has(Capability.STANDARD_REPLIES):
        context.fail(CODE, middle(refusal.subject), text=text)
    context.reply(numerics.ERR_SASLFAIL, f"SASL authentication failed: {text}")


def send_login_refusal(context: Context, refusal: Refusal) -> None:
    """Send a refusal that concerns an account; nothing for other reasons."""
    text = words_of(refusal)
    if context.command == "AUTHENTICATE":
        if refusal.reason is Reason.ACCOUNT_SUSPENDED:
            send_suspended(context, refusal)
        elif refusal.reason is Reason.ACCOUNT_SHARED:
            # sasl-3.2: "appropriate if changing accounts is not supported".
            context.reply(numerics.ERR_SASLALREADY, text)
        else:
            context.reply(numerics.ERR_SASLFAIL, f"SASL authentication failed: {text}")
    elif context.command in ("REGISTER", "VERIFY"):
        code = _REGISTER_CODES.get(refusal.reason, "TEMPORARILY_UNAVAILABLE")
        name = refusal.subject or (context.targets[0] if context.targets else "")
        context.fail(code, middle(name), text=text, is_specified=True)
    elif refusal.reason in _CODES:
        context.fail(_CODES[refusal.reason], text=text)
