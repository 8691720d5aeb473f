"""Replies of NickServ: what it did, and why it refused."""

from roost.chat.changes import AccountChanged, AccountUpdated
from roost.chat.refusals import Reason, Refusal
from roost.ircd.accounts.registering import make_code
from roost.ircd.accounts.suspended import suspension_words
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle
from roost.ircd.services import voice
from roost.ircd.services.autoreplay import send_chosen

NAME = "NickServ"

_UPDATED = {
    "password": "Your password is changed.",
    "certificate-added": "Your account now accepts the certificate {detail}.",
    "certificate-removed": "Your account no longer accepts the certificate {detail}.",
    "clients-ended": "The clients with the nickname {detail} are disconnected.",
    "invited": "The code of the invitation {detail}, which is shown only now: {code}",
    "dropped": "The account {detail} is deleted.",
}

_REFUSALS: dict[Reason, str] = {
    Reason.ALREADY_LOGGED_IN: "You are logged in as {subject}.",
    Reason.ACCOUNT_NAME_INVALID: "{subject} cannot be an account name; change your nickname first.",
    Reason.ACCOUNT_EXISTS: "The account {subject} already exists.",
    Reason.ACCOUNT_NAME_IN_USE: "Somebody else uses the nickname {subject}.",
    Reason.TOO_MANY_ACCOUNTS: "The network has no room for more accounts.",
    Reason.TOO_MANY_ATTEMPTS: "Too many attempts, wait {detail} seconds.",
    Reason.ACCOUNT_SHARED: (
        "Your nickname belongs to {subject}: other clients use it, or it is always on."
        " Connect anew to log in to another account."
    ),
    Reason.ACCOUNT_NOT_YOURS: "You are not logged in to that account.",
    Reason.NOT_LOGGED_IN: "You must be logged in to an account.",
    Reason.NOT_NETWORK_OPERATOR: "Only network operators can do this.",
    Reason.NO_SUCH_ACCOUNT: "There is no such account.",
    Reason.ALWAYS_ON_NEEDS_ACCOUNT: "Log in to an account first.",
    Reason.TOO_MANY_ALWAYS_ON: "The network has no room for more always-on users.",
    Reason.NICK_IN_USE: "{subject} is always on: log in while connecting to join it.",
    Reason.NO_SUCH_NICK: "Nobody uses the nickname {subject}.",
    Reason.REGISTRATION_CLOSED: (
        "Nobody can register an account here; ask those who run the network."
    ),
    Reason.INVITATION_INVALID: (
        "You need a valid invitation code; send: REGISTER <password> <code>"
    ),
    Reason.CODE_INVALID: "This code is not valid for {subject}, or has expired.",
    Reason.TOO_MANY_MAILS: (
        "{detail} messages were sent to this address within an hour, which is the limit."
    ),
    Reason.TOO_MANY_PENDING: "Too many people are registering at the moment; try again later.",
    Reason.REGISTRATION_UNKNOWN: "Expected open, closed, invitation or email.",
    Reason.LOGIN_REQUIRED: "Everybody must be logged in here; disconnect instead.",
    Reason.TOO_MANY_INVITATIONS: "There are {detail} invitations already, which is the limit.",
    Reason.NO_SUCH_INVITATION: "There is no invitation {subject}.",
    Reason.NOT_SUSPENDED: "The account {subject} is not suspended.",
    Reason.NICK_RESERVED: "{subject} is the account of somebody else.",
}


def say(context: Context, text: str) -> None:
    voice.say(context, NAME, text)


def send_account(context: Context, change: AccountChanged) -> None:
    """Tell the client that it has logged in, or out."""
    if change.account:
        say(context, f"You are logged in as {change.account}.")
    else:
        say(context, "You are logged out.")


def send_registered(context: Context, name: str) -> None:
    """Tell the client that its account is registered."""
    say(context, f"{name} is now your account, and the nickname is reserved for you.")


def send_updated(context: Context, change: AccountUpdated) -> None:
    """Tell the client what has changed about its account."""
    if send_chosen(context, change):
        return
    text = _UPDATED[change.what].format(detail=change.detail, code=make_code(context))
    # A later part of the answer may change the client's nickname.
    voice.say(context, NAME, text, change.source.nick)


def send_refused(context: Context, refusal: Refusal) -> None:
    subject, detail = middle(refusal.subject), middle(refusal.detail)
    if refusal.reason is Reason.CERTIFICATE:
        is_none = refusal.detail == "none"
        text = (
            f"Your account does not accept the certificate {subject}."
            if is_none
            else f"{detail} certificates are already accepted, which is the limit."
        )
    elif refusal.reason is Reason.ACCOUNT_SUSPENDED:
        text = f"{suspension_words(refusal)}."
    elif refusal.reason is Reason.TOO_MANY_SESSIONS:
        text = f"Too many clients are logged in to the account; the limit is {detail}."
    else:
        template = _REFUSALS.get(refusal.reason, "This could not be done.")
        text = template.format(subject=subject, detail=detail)
    say(context, text)
