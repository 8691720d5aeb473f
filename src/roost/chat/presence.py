"""Always-on users, who stay online without a client, and automatic away messages.

An account is always-on if its owner asks for it. One of its users then stays in all rooms and keeps
the nickname while no client is connected. That user is shown as away until a client returns. Other
users of the account, with other nicknames, come and go as usual.
"""

from roost.chat.changes import AlwaysOnChanged, AwayChanged
from roost.chat.commands.users import SetAlwaysOn
from roost.chat.directory import account_of
from roost.chat.ids import FoldedAccount, UserId
from roost.chat.refusals import Reason
from roost.chat.state import Account, State, User
from roost.chat.step import Step, rooms_of, source_of
from roost.irc.casemapping import fold_nick

AUTO_AWAY = "Auto-away"
"""The away message of a user without a client who did not set one before."""
UNATTENDED = "*"
"""The away message of a client that is connected but unattended.

Source: ircv3.net/specs/extensions/pre-away.
"""

_DAY_MS = 24 * 60 * 60 * 1000


def is_always_on(state: State, user: User) -> bool:
    """Return whether a user stays online when the last client goes."""
    return bool(user.account) and always_on_user(state, user.account) == user.id


def always_on_user(state: State, account: str) -> UserId | None:
    """Return the always-on user of an account, if any."""
    return state.always_on.get(FoldedAccount(fold_nick(account)))


def make_always_on(state: State, user: User) -> None:
    """Make a user always-on if the account is, no other user of it is, and the limit allows."""
    account = account_of(state, user)
    if (
        account is None
        or not account.is_always_on
        or always_on_user(state, account.name) is not None
    ):
        return
    if len(state.always_on) < state.settings.always_on_users_max:
        state.always_on[FoldedAccount(fold_nick(account.name))] = user.id


def forget_presence(state: State, user: User) -> None:
    """Forget the presence of a user who goes offline; the account stays always-on."""
    state.read_markers.pop(user.id, None)
    state.absent.pop(user.id, None)
    if is_always_on(state, user):
        del state.always_on[FoldedAccount(fold_nick(user.account))]


def become_absent(step: Step, user: User) -> None:
    """Note that an always-on user's last client is gone."""
    step.state.absent[user.id] = step.time_ms
    if not user.away:
        user.away = AUTO_AWAY
        user.is_auto_away = True
        rooms = rooms_of(step.state, user)
        step.changed(AwayChanged(step.part, source_of(user), AUTO_AWAY, rooms))


def come_back(step: Step, user: User, away: str | None) -> None:
    """Note that a user has another client, which set `away` while it registered.

    If it set none, an away message that the user has set stays. An unattended client does not make
    the user present.
    """
    step.state.absent.pop(user.id, None)
    if away == UNATTENDED:
        return
    if away is not None and away != user.away:
        change_away(step, user, away)
    elif user.is_auto_away:
        change_away(step, user, "")


def change_away(step: Step, user: User, message: str) -> None:
    """Set a user's away message, or mark them present if it is empty."""
    is_news = message != user.away
    rooms = rooms_of(step.state, user) if is_news else ()
    user.away = message
    user.is_auto_away = False
    step.changed(AwayChanged(step.part, source_of(user), message, rooms, is_news))


def update_auto_away(step: Step, user: User) -> bool:
    """Mark a user away if all clients are unattended; return whether that is new."""
    sessions = step.state.sessions
    if user.away or any(not sessions[session].is_unattended for session in user.sessions):
        return False
    change_away(step, user, UNATTENDED)
    user.is_auto_away = True
    return True


def set_always_on(step: Step, user: User, operation: SetAlwaysOn) -> UserId | None:
    """Switch always-on on or off for the user's account.

    Returns a user that has no client and therefore has to go offline, if any.
    """
    state = step.state
    account = account_of(state, user)
    if account is None:
        step.refused(Reason.ALWAYS_ON_NEEDS_ACCOUNT)
        return None
    gone: UserId | None = None
    if operation.is_on:
        if always_on_user(state, account.name) is None:
            if len(state.always_on) >= state.settings.always_on_users_max:
                step.refused(Reason.TOO_MANY_ALWAYS_ON)
                return None
            state.always_on[FoldedAccount(fold_nick(account.name))] = user.id
        account.is_always_on = True
    else:
        gone = stop_always_on(state, account)
    step.changed(AlwaysOnChanged(step.part, source_of(user), operation.is_on))
    return gone


def stop_always_on(state: State, account: Account) -> UserId | None:
    """Switch always-on off; return a user that has no client and has to go offline, if any."""
    account.is_always_on = False
    user = state.always_on.pop(FoldedAccount(fold_nick(account.name)), None)
    return user if user is not None and user in state.absent else None


def expired_users(state: State) -> list[UserId]:
    """Return the users who have been absent for too long, by the log's time."""
    limit_ms = state.settings.always_on_days_max * _DAY_MS
    users = []
    for user, since_ms in state.absent.items():
        if state.time_ms - since_ms < limit_ms:
            break
        users.append(user)
    return users


def is_expiry_due(state: State, time_ms: int) -> bool:
    """Return whether a user has been absent for too long at `time_ms`; takes constant time."""
    first = next(iter(state.absent.values()), None)
    return first is not None and time_ms - first >= state.settings.always_on_days_max * _DAY_MS
