"""NickServ's commands for network operators: other people's accounts.

`chat.account_control` decides; administrators have the same by the command line.
"""

from collections.abc import Iterator

from roost.chat.commands.control import (
    CreateInvitation,
    DisconnectAccount,
    RenameAccount,
    RevokeInvitation,
    SetAdmission,
    SuspendAccount,
    UnsuspendAccount,
)
from roost.chat.commands.operators import DropAccountOf, RegisterFor, ResetCredentials
from roost.chat.invitations import ID_CHARACTERS, hash_code, is_over
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Account
from roost.chat.suspensions import suspension_of, why_suspended
from roost.irc.casemapping import fold_nick
from roost.irc.masks import matches_folded
from roost.ircd.accounts.denial import find
from roost.ircd.accounts.registering import make_code
from roost.ircd.accounts.suspended import suspension_words
from roost.ircd.context import Context, Gradual, RefusedError, Result
from roost.ircd.queries.durations import read_duration
from roost.ircd.queries.moments import human_time
from roost.ircd.services.nickserv import hash_password, is_confirmed
from roost.ircd.services.nickserv_reply import NAME, say
from roost.ircd.services.registry import service_command

LISTED_MAX = 100
"""Accounts that SALIST shows at most; the command line shows all."""
STEP_ACCOUNTS = 1000
"""Accounts that are compared in one step, within a millisecond."""


def _account_of(context: Context, name: str) -> Account:
    """Return somebody's account, for an operator."""
    context.require_operator()
    account = find(context.state, name)
    if account is None:
        raise RefusedError(Refusal(Reason.NO_SUCH_ACCOUNT, name))
    return account


@service_command(
    NAME,
    "SAREGISTER",
    usage="SAREGISTER <account> <password>",
    text="For operators: registers an account for somebody.",
    words_min=2,
)
def register_for(context: Context, words: tuple[str, ...]) -> Result:
    """Register an account for somebody, who then logs in with the password."""
    context.require_operator()
    return hash_password(context, words[1], words[0], lambda made: RegisterFor(words[0], made))


@service_command(
    NAME,
    "SAPASSWD",
    usage="SAPASSWD <account> <password>",
    text="For operators: sets the password of an account, and removes its certificates.",
    words_min=2,
)
def reset_password(context: Context, words: tuple[str, ...]) -> Result:
    """Replace the password of somebody's account."""
    account = _account_of(context, words[0])
    number = account.id
    return hash_password(
        context, words[1], account.name, lambda made: ResetCredentials(number, made)
    )


@service_command(
    NAME,
    "SADROP",
    usage="SADROP <account> [<code>]",
    text="For operators: deletes an account and its rooms, after a confirmation.",
    words_min=1,
)
def drop_of(context: Context, words: tuple[str, ...]) -> Result:
    """Delete somebody's account, after a confirmation."""
    account = _account_of(context, words[0])
    if is_confirmed(context, account, words[1:], f"SADROP {account.name}"):
        return (DropAccountOf(account.id),)
    return None


@service_command(
    NAME,
    "SUSPEND",
    usage="SUSPEND <account> [<duration>] [<reason>]",
    text="For operators: disconnects an account's clients and lets nobody log in to it.",
    words_min=1,
    synonyms=("SASUSPEND",),
)
def suspend(context: Context, words: tuple[str, ...]) -> Result:
    """Suspend an account, for good or for a while."""
    account = _account_of(context, words[0])
    duration_s = read_duration(words[1]) if len(words) > 1 else None
    reason = " ".join(words[1:] if duration_s is None else words[2:])
    return (SuspendAccount(account.id, reason, duration_s or 0),)


@service_command(
    NAME,
    "UNSUSPEND",
    usage="UNSUSPEND <account>",
    text="For operators: lets the owner of a suspended account log in again.",
    words_min=1,
    synonyms=("SAUNSUSPEND",),
)
def unsuspend(context: Context, words: tuple[str, ...]) -> Result:
    return (UnsuspendAccount(_account_of(context, words[0]).id),)


@service_command(
    NAME,
    "RENAME",
    usage="RENAME <account> <name>",
    text="For operators: gives an account another name; it keeps everything else.",
    words_min=2,
    synonyms=("SARENAME",),
)
def rename(context: Context, words: tuple[str, ...]) -> Result:
    return (RenameAccount(_account_of(context, words[0]).id, words[1]),)


@service_command(
    NAME,
    "SALOGOUT",
    usage="SALOGOUT <account> [<reason>]",
    text="For operators: disconnects all clients of an account; they may log in again.",
    words_min=1,
)
def log_out_of(context: Context, words: tuple[str, ...]) -> Result:
    """End the sessions of somebody's account."""
    account = _account_of(context, words[0])
    return (DisconnectAccount(account.id, " ".join(words[1:])),)


@service_command(
    NAME,
    "REGISTRATION",
    usage="REGISTRATION [open|closed|invitation|email]",
    text="For operators: shows or sets who may register.",
)
def registration(context: Context, words: tuple[str, ...]) -> Result:
    """Show or set who may register."""
    context.require_operator()
    if words:
        return (SetAdmission(words[0].lower()),)
    settings = context.state.settings
    required = "required" if settings.login_required else "not required"
    say(context, f"Registration is {settings.registration}; a login is {required}.")
    return None


@service_command(
    NAME,
    "REQUIRELOGIN",
    usage="REQUIRELOGIN <on|off>",
    text="For operators: sets whether only people with an account can connect.",
    words_min=1,
)
def require_login(context: Context, words: tuple[str, ...]) -> Result:
    context.require_operator()
    is_on = {"ON": True, "OFF": False}.get(words[0].upper())
    if is_on is None:
        say(context, "Expected ON or OFF.")
        return None
    return (SetAdmission("", is_on),)


@service_command(
    NAME,
    "INVITE",
    usage="INVITE [<accounts>] [<duration>] [<note>]",
    text="For operators: makes a code with which people can register.",
)
def invite(context: Context, words: tuple[str, ...]) -> Result:
    """Make an invitation, by default for one account and for good; the answer has the code."""
    context.require_operator()
    left = list(words)
    uses = int(left.pop(0)) if left and left[0].isdigit() and len(left[0]) < 7 else 1
    duration_s = read_duration(left[0]) if left else None
    note = " ".join(left if duration_s is None else left[1:])
    code = hash_code(make_code(context))
    return (CreateInvitation(code, uses, duration_s or 0, note),)


@service_command(NAME, "INVITATIONS", usage="INVITATIONS", text="For operators: lists invitations.")
def list_invitations(context: Context, _words: tuple[str, ...]) -> Result:
    """List the invitations that can be used."""
    context.require_operator()
    count = 0
    for code, one in context.state.invitations.items():
        if not is_over(one, context.now.wall_ms):
            until = f" until {human_time(one.expires_ms)}" if one.expires_ms else ""
            note = f": {one.note}" if one.note else ""
            say(context, f"{code[:ID_CHARACTERS]} is for {one.uses} accounts{until}{note}.")
            count += 1
    say(context, f"{count} invitations.")
    return None


@service_command(
    NAME,
    "UNINVITE",
    usage="UNINVITE <id>",
    text="For operators: revokes an invitation.",
    words_min=1,
)
def uninvite(context: Context, words: tuple[str, ...]) -> Result:
    context.require_operator()
    return (RevokeInvitation(words[0]),)


@service_command(
    NAME,
    "SALIST",
    usage="SALIST [<mask>] | SALIST SUSPENDED",
    text="For operators: lists accounts by name, or those that are suspended.",
)
def list_accounts(context: Context, words: tuple[str, ...]) -> Result:
    """List accounts, step by step because there may be very many."""
    context.require_operator()
    mask = words[0] if words else "*"
    return Gradual(_list(context, mask))


def _list(context: Context, mask: str) -> Iterator[None]:
    yield from context.steps_that_differ()
    is_suspended, folded = mask.upper() == "SUSPENDED", fold_nick(mask)
    now_ms, count = context.now.wall_ms, 0
    for number, (name, account) in enumerate(list(context.state.accounts.items()), 1):
        if number % STEP_ACCOUNTS == 0:
            yield
        is_meant = (
            suspension_of(account, now_ms) is not None
            if is_suspended
            else matches_folded(folded, name)
        )
        if not is_meant:
            continue
        count += 1
        if count <= LISTED_MAX:
            why = why_suspended(account, now_ms)
            state = f"; {suspension_words(why)}" if why is not None else ""
            say(
                context,
                f"{account.name} was registered {human_time(account.created_ms)}{state}.",
            )
    more = f", of which {LISTED_MAX} are shown" if count > LISTED_MAX else ""
    say(context, f"{count} accounts{more}.")
