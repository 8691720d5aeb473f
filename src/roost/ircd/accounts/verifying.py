"""Codes by e-mail: asks for one, has it sent, and takes it.

    REGISTER --> HashPassword --> AskVerification --> SendMail --> "look into your mailbox"
    VERIFY   --> Verify --> the account is made, and the client logged in

The code of a line is the same on every node, so when a node dies between two steps, another one
sends the same message again. Nothing tells a client whether somebody else's account has an address.
"""

import base64
import hmac
from collections.abc import Callable
from typing import Literal, TypeAlias

from roost.chat.applied import Applied
from roost.chat.changes import AccountRegistered, AccountUpdated
from roost.chat.commands.accounts import AskVerification, Verify
from roost.chat.credentials import Credentials
from roost.chat.directory import account_by_id
from roost.chat.invitations import hash_code
from roost.chat.refusals import Reason, Refusal
from roost.irc.addresses import fold_mail_address
from roost.ircd.accounts.login import log_in, log_in_early
from roost.ircd.context import Context, Job, Request, Result
from roost.ircd.sessions.session import Phase
from roost.ircd.sessions.work import Outcome, SendMail, WorkFailed

Kind: TypeAlias = Literal["register", "email", "reset"]
Say: TypeAlias = Callable[[Context, str], None]
Refuse: TypeAlias = Callable[[Context, Refusal], None]

CODE_BYTES = 8
"""Twelve letters, cut from thirteen; they are tried out thirty times in five minutes."""
CODE_LETTERS = 12
_GROUP = 4
NO_MAIL = "This node cannot send e-mail; ask those who run the network"
NO_MAILBOX = "There is no mailbox with this address"
SENT = "A code was sent to your e-mail address"

_WANTS = {
    "register": "register the account {name}",
    "email": "use this address for the account {name}",
    "reset": "set a new password for the account {name}",
}
_HOW = {
    "register": "/msg NickServ VERIFY {name} {code}",
    "email": "/msg NickServ VERIFY {name} {code}",
    "reset": "/msg NickServ RESETPASS {name} {code} <new password>",
}


def ask(
    context: Context,
    kind: Kind,
    name: str,
    email: str,
    *,
    credentials: Credentials | None = None,
    sent: Callable[[Context], None],
    failed: Say,
    refused: Refuse,
) -> Result:
    """Have a code sent; answer with one of the last three.

    `failed` is also called if the address does not exist. The texts are for people.
    """
    session = context.session
    code = _code(context, kind)
    command = AskVerification(
        session.id,
        session.generation,
        context.line,
        session.address,
        kind,
        name,
        fold_mail_address(email),
        hash_code(code),
        credentials or Credentials(),
    )
    mail = _message(context, kind, name, email, code)

    def asked(context: Context, applied: Applied) -> Result:
        for result in applied.results:
            if isinstance(result, Refusal):
                refused(context, result)
                return None
        return Job(mail, done, lambda context, outcome: failed(context, outcome.reason))

    def done(context: Context, outcome: Outcome) -> Result:
        if outcome is True:
            sent(context)
        else:
            failed(context, NO_MAILBOX)
        return None

    return Request(command, asked)


def _code(context: Context, kind: Kind) -> str:
    text = f"mail {kind} {context.session.id} {context.line}"
    digest = hmac.digest(context.state.secret, text.encode(), "sha256")[:CODE_BYTES]
    letters = base64.b32encode(digest).decode().lower()[:CODE_LETTERS]
    return "-".join(letters[start : start + _GROUP] for start in range(0, CODE_LETTERS, _GROUP))


def _message(context: Context, kind: Kind, name: str, email: str, code: str) -> SendMail:
    network = context.state.settings.network
    wants, how = _WANTS[kind].format(name=name), _HOW[kind].format(name=name, code=code)
    text = (
        f"Somebody, probably you, wants to {wants}\n"
        f"on the chat network {network}.\n\n"
        f"If it was you, give this code where your client asks for it:\n\n    {code}\n\n"
        f"or send\n\n    {how}\n\n"
        "The code is valid for 24 hours. If it was not you, ignore this message.\n"
    )
    return SendMail(email, f"Your code for {network}", text, hash_code(code)[:32])


def take(
    context: Context,
    name: str,
    code: str,
    *,
    credentials: Credentials | None = None,
    told: Callable[[Context, str, str], None],
    refused: Refuse,
) -> Result:
    """Give a code; `told` is called with the account and with what is done, for people.

    For a registration by a client that is connected, the log's answer to its login tells that.
    """
    session = context.session
    command = Verify(
        session.id,
        session.generation,
        context.line,
        session.address,
        name,
        hash_code(code),
        credentials or Credentials(),
    )

    def done(context: Context, applied: Applied) -> Result:
        for result in applied.results:
            match result:
                case Refusal():
                    refused(context, result)
                    return None
                case AccountRegistered():
                    account = account_by_id(context.state, result.account)
                    if account is None:
                        refused(context, Refusal(Reason.NO_SUCH_ACCOUNT, name))
                        return None
                    if context.session.phase is not Phase.REGISTERING:
                        return log_in(account)
                    told(context, account.name, f"The account {account.name} is yours")
                    log_in_early(context, account)
                    return None
                case AccountUpdated(what="email"):
                    told(context, name, f"The e-mail address of {name} is set")
                    return None
                case AccountUpdated():
                    told(context, name, f"The password of {name} is changed; log in with it")
                    return None
        return None

    return Request(command, done)


def is_known(context: Context, name: str, code: str) -> bool:
    """Return whether a code is expected, before slow work is done for it."""
    known = context.state.pending_codes.get(hash_code(code))
    return known is not None and known.name.lower() == name.lower()


def busy(failed: Say) -> Callable[[Context, WorkFailed], None]:
    """Return what answers if a password could not be hashed."""
    return lambda context, outcome: failed(context, outcome.reason)
