"""Virtual hosts, which are shown instead of users' real addresses.

An operator gives one to an account. Users who are logged in to the account are shown with it unless
they switch it off. All others are shown with their cloaks. Bans match all of a user's hosts:
otherwise a virtual host would evade them.
"""

from roost.chat.admission import set_account
from roost.chat.changes import HostChanged, VirtualHostSet
from roost.chat.cloaks import cloak_of
from roost.chat.commands.accounts import GrantHost, UseHost
from roost.chat.directory import account_of, find_account, users_of
from roost.chat.dispatch import applies
from roost.chat.refusals import Reason
from roost.chat.state import State, User
from roost.chat.step import Step, rooms_of, source_of

HOST_BYTES_MAX = 63
"""The length of a domain name's label, so that hostmasks have a known maximum."""
_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/")
OPERATOR_MODE = "o"
"""The user mode of operators; see `is_operator`."""
NOTICES_MODE = "s"
"""The user mode of operators who want to see server notices."""
_OPERATORS_ONLY = OPERATOR_MODE + NOTICES_MODE


def is_valid_host(text: str) -> bool:
    """Return whether `text` can replace a host wherever a line has one."""
    if not 0 < len(text) <= HOST_BYTES_MAX or text[0] in ":/" or not ("." in text or "/" in text):
        return False
    return all(character in _CHARACTERS for character in text)


def real_host(user: User) -> str:
    """Return the host that a user really comes from."""
    return user.real_host or user.host


def is_operator(user: User) -> bool:
    """Return whether a user is a network operator."""
    return OPERATOR_MODE in user.modes


def drop_operator(user: User) -> None:
    """Make a network operator an ordinary user."""
    for letter in _OPERATORS_ONLY:
        user.modes = user.modes.replace(letter, "")
    user.operator = ""


def set_initial_account(state: State, user: User, account: str) -> None:
    """Log in a user who is coming online; nobody has to be told of a changed host."""
    set_account(state, user, account)
    user.cloak = cloak_of(state, real_host(user))
    _show_host(user, _wanted_host(state, user))


def change_host(step: Step, user: User) -> None:
    """Change a user's shown host to the one that it should be now."""
    user.cloak = cloak_of(step.state, real_host(user))
    wanted = _wanted_host(step.state, user)
    if wanted == user.host:
        return
    before = source_of(user)
    _show_host(user, wanted)
    rooms = rooms_of(step.state, user)
    statuses = tuple(step.state.rooms[room].members[user.id].status for room, _ in rooms)
    step.changed(HostChanged(step.part, before, wanted, user.realname, rooms, statuses, user.away))


def _wanted_host(state: State, user: User) -> str:
    account = account_of(state, user)
    if account is None or not account.virtual_host or not account.is_host_used:
        return user.cloak or real_host(user)
    return account.virtual_host


def _show_host(user: User, host: str) -> None:
    real = real_host(user)
    user.host = host
    user.real_host = real if real != host else ""


@applies(GrantHost)
def grant_host(step: Step, user: User, operation: GrantHost) -> None:
    """Give an account a virtual host, or take it."""
    state = step.state
    if operation.host and not is_valid_host(operation.host):
        step.refused(Reason.HOST_INVALID, operation.host)
        return
    if not is_operator(user):
        step.refused(Reason.HOST_NOT_YOURS, operation.account)
        return
    account = find_account(state, operation.account)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT, operation.account)
        return
    account.virtual_host = operation.host
    account.is_host_used = True
    step.changed(
        VirtualHostSet(step.part, source_of(user), account.name, operation.host, is_used=True)
    )
    for number in users_of(state, account.name):
        change_host(step, state.users[number])


@applies(UseHost)
def use_host(step: Step, user: User, operation: UseHost) -> None:
    """Switch the virtual host of one's own account on or off."""
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
    for number in users_of(state, account.name):
        change_host(step, state.users[number])
