"""Virtual hosts: what is shown of a user instead of the address that they come from.

An operator gives one to an account, and whoever is logged in to it is shown under it, unless they
would rather not be. Bans match what is shown and where people really come from: else a virtual
host would be a way around them.
"""

from roost.chat.admission import set_account
from roost.chat.changes import HostChanged, VirtualHostSet
from roost.chat.commands.accounts import GrantHost, UseHost
from roost.chat.dispatch import applies
from roost.chat.ids import FoldedAccount
from roost.chat.presence import account_of
from roost.chat.refusals import Reason
from roost.chat.state import State, User
from roost.chat.step import Step, rooms_of, source_of
from roost.irc.casemapping import fold_nick

HOST_BYTES_MAX = 63
"""As many as a label of a domain name has, so that hostmasks keep a known length."""
_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/")
OPERATOR_MODE = "o"
"""The user mode of operators; see `is_operator`."""
NOTICES_MODE = "s"
"""The user mode of operators who want to be told what happens."""
_OPERATORS_ONLY = OPERATOR_MODE + NOTICES_MODE


def is_valid_host(text: str) -> bool:
    """Return whether this can stand for a host wherever one stands in a line."""
    if not 0 < len(text) <= HOST_BYTES_MAX or text[0] in ":/" or not ("." in text or "/" in text):
        return False
    return all(character in _CHARACTERS for character in text)


def real_host(user: User) -> str:
    """Return where a user comes from, whatever is shown."""
    return user.real_host or user.host


def is_operator(user: User) -> bool:
    """Return whether a user is one of those who look after the network."""
    return OPERATOR_MODE in user.modes


def stop_operating(user: User) -> None:
    """Make an operator a user like all others."""
    for letter in _OPERATORS_ONLY:
        user.modes = user.modes.replace(letter, "")
    user.operator = ""


def set_account_quietly(state: State, user: User, account: str) -> None:
    """Log somebody in who is just coming online, so that nobody knows another host of theirs."""
    set_account(state, user, account)
    _wear(user, _wanted_host(state, user))


def change_host(step: Step, user: User) -> None:
    """Show a user under the host that is theirs now, if that is another one than before."""
    wanted = _wanted_host(step.state, user)
    if wanted == user.host:
        return
    before = source_of(user)
    _wear(user, wanted)
    rooms = rooms_of(step.state, user)
    statuses = tuple(step.state.rooms[room].members[user.id].status for room, _ in rooms)
    step.changed(HostChanged(step.part, before, wanted, user.realname, rooms, statuses, user.away))


def _wanted_host(state: State, user: User) -> str:
    account = account_of(state, user)
    if account is None or not account.virtual_host or not account.is_host_used:
        return real_host(user)
    return account.virtual_host


def _wear(user: User, host: str) -> None:
    real = real_host(user)
    user.host = host
    user.real_host = real if real != host else ""


@applies(GrantHost)
def grant_host(step: Step, user: User, operation: GrantHost) -> None:
    """Return an account a virtual host, or take it."""
    state = step.state
    if operation.host and not is_valid_host(operation.host):
        step.refused(Reason.HOST_INVALID, operation.host)
        return
    if not is_operator(user):
        step.refused(Reason.HOST_NOT_YOURS, operation.account)
        return
    folded = FoldedAccount(fold_nick(operation.account))
    account = state.accounts.get(folded)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT, operation.account)
        return
    account.virtual_host = operation.host
    account.is_host_used = True
    step.changed(
        VirtualHostSet(step.part, source_of(user), account.name, operation.host, is_used=True)
    )
    for number in list(state.users_by_account.get(folded, ())):
        change_host(step, state.users[number])


@applies(UseHost)
def use_host(step: Step, user: User, operation: UseHost) -> None:
    """Show the users of one's account under its virtual host, or under their own hosts."""
    state = step.state
    account = account_of(state, user)
    if account is None or not account.virtual_host:
        step.refused(Reason.NO_HOST, user.account)
        return
    account.is_host_used = operation.is_used
    step.changed(
        VirtualHostSet(
            step.part, source_of(user), account.name, account.virtual_host, operation.is_used
        )
    )
    for number in list(state.users_by_account.get(FoldedAccount(fold_nick(account.name)), ())):
        change_host(step, state.users[number])
