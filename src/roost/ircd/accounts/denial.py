"""Why a client has not proved that it owns an account, and the words for it."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.ids import FoldedAccount
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Account, State
from roost.irc.casemapping import fold_nick
from roost.ircd.accounts.suspended import suspension_words
from roost.ircd.context import Context, Result


class Denial(msgspec.Struct, frozen=True):
    """A client has failed to prove that it owns an account."""

    reason: str
    """The reason, for people."""


WRONG = Denial("Wrong account name or password")

Done: TypeAlias = Callable[[Context, Account | Denial], Result]


def find(state: State, name: str) -> Account | None:
    """Return the account with a name."""
    return state.accounts.get(FoldedAccount(fold_nick(name)))


def words_of(refusal: Refusal) -> str:
    """Return a text for a refusal that concerns an account."""
    match refusal.reason:
        case Reason.ALREADY_LOGGED_IN:
            return f"You are already logged in as {refusal.subject}"
        case Reason.ACCOUNT_NAME_INVALID:
            return "This cannot be the name of an account"
        case Reason.ACCOUNT_EXISTS:
            return "There is already an account with this name"
        case Reason.ACCOUNT_NAME_IN_USE:
            return "Somebody else uses this nickname"
        case Reason.TOO_MANY_ACCOUNTS:
            return "The network has no room for another account"
        case Reason.TOO_MANY_ATTEMPTS:
            return f"Too many attempts, try again in {refusal.detail} s"
        case Reason.ACCOUNT_SHARED:
            return (
                f"Other clients, or one that is always on, are logged in as {refusal.subject} "
                "under this nickname"
            )
        case Reason.ACCOUNT_NOT_YOURS:
            return "You are not logged in to this account"
        case Reason.CERTIFICATE if refusal.detail == "none":
            return "The account has no such certificate"
        case Reason.CERTIFICATE:
            return f"The account already has {refusal.detail} certificates"
        case Reason.NETWORK_BAN:
            return f"The account is banned from this network: {refusal.detail}"
        case Reason.REGISTRATION_CLOSED:
            return "Nobody can register an account here; ask those who run the network"
        case Reason.INVITATION_INVALID:
            return "You need a valid invitation code, in the place of an e-mail address"
        case Reason.EMAIL_REQUIRED:
            return "You need an e-mail address to register"
        case Reason.CODE_INVALID:
            return "This code is not valid, or has expired"
        case Reason.TOO_MANY_MAILS:
            return f"{refusal.detail} messages were sent to this address within an hour; wait"
        case Reason.TOO_MANY_PENDING:
            return "Too many people are registering at the moment; try again later"
        case Reason.LOGIN_REQUIRED:
            return "You must log in to an account (SASL) to use this network"
        case Reason.ACCOUNT_SUSPENDED:
            return suspension_words(refusal)
        case Reason.NO_SUCH_ACCOUNT:
            return "There is no such account"
    return "This cannot be done"
