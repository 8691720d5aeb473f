"""Users who stay when their last client goes: always-on.

An account is always on because its owner asked for it. One user of it then stays in its rooms, and
keeps its nickname, while no client is connected; it is shown as away, and back when a client
returns. Other users of the same account, under other nicknames, come and go as everybody does.
"""

from roost.chat.changes import AlwaysOnChanged, AwayChanged
from roost.chat.commands.users import SetAlwaysOn
from roost.chat.ids import FoldedAccount, UserId
from roost.chat.refusals import Reason
from roost.chat.state import Account, State, User
from roost.chat.step import Step, rooms_of, source_of
from roost.irc.casemapping import fold_nick

AUTO_AWAY = "Auto-away"
"""The message of somebody who has no client, and did not say why before they went."""
UNATTENDED = "*"
"""What a client says, and is shown, when it is connected without anybody being there.

Source: ircv3.net/specs/extensions/pre-away.
"""

_DAY_MS = 24 * 60 * 60 * 1000


def account_of(state: State, user: User) -> Account | None:
    """The account that a user is logged in to, if any."""
    return state.accounts.get(FoldedAccount(fold_nick(user.account))) if user.account else None


def stays(state: State, user: User) -> bool:
    """Return whether a user stays when the last client goes."""
    return bool(user.account) and stayer_of(state, user.account) == user.id


def stayer_of(state: State, account: str) -> UserId | None:
    """The user that stays, of an account that is always on."""
    return state.always_on.get(FoldedAccount(fold_nick(account)))


def begin_to_stay(state: State, user: User) -> None:
    """Let a user stay from now on, if the account is always on and there is space."""
    account = account_of(state, user)
    if account is None or not account.is_always_on or stayer_of(state, account.name) is not None:
        return
    if len(state.always_on) < state.settings.always_on_users_max:
        state.always_on[FoldedAccount(fold_nick(account.name))] = user.id


def forget_presence(state: State, user: User) -> None:
    """Forget that a user stays, or is absent; the account's wish is remembered."""
    state.read_markers.pop(user.id, None)
    state.absent.pop(user.id, None)
    if stays(state, user):
        del state.always_on[FoldedAccount(fold_nick(user.account))]


def become_absent(step: Step, user: User) -> None:
    """Note that the last client is gone."""
    step.state.absent[user.id] = step.time_ms
    if not user.away:
        user.away = AUTO_AWAY
        user.is_auto_away = True
        rooms = rooms_of(step.state, user)
        step.changed(AwayChanged(step.part, source_of(user), AUTO_AWAY, rooms))


def come_back(step: Step, user: User, away: str | None) -> None:
    """Note that a client is there again, which said `away` before it was.

    If it said nothing, an away message of the user's own stays. One that is unattended makes no
    difference to whether anybody is there.
    """
    step.state.absent.pop(user.id, None)
    if away == UNATTENDED:
        return
    if away is not None and away != user.away:
        change_away(step, user, away)
    elif user.is_auto_away:
        change_away(step, user, "")


def change_away(step: Step, user: User, message: str) -> None:
    """Let a user be away with a message, or be there; says so even if nothing changes."""
    is_news = message != user.away
    rooms = rooms_of(step.state, user) if is_news else ()
    user.away = message
    user.is_auto_away = False
    step.changed(AwayChanged(step.part, source_of(user), message, rooms, is_news))


def look_after(step: Step, user: User) -> bool:
    """Let a user be away when none of the clients is attended; whether that changed anything."""
    sessions = step.state.sessions
    if user.away or any(not sessions[session].is_unattended for session in user.sessions):
        return False
    change_away(step, user, UNATTENDED)
    user.is_auto_away = True
    return True


def set_always_on(step: Step, user: User, operation: SetAlwaysOn) -> UserId | None:
    """Switch always-on on or off for the user's account.

    Gives the user that stayed without a client and has to go, if there is such a one.
    """
    state = step.state
    account = account_of(state, user)
    if account is None:
        step.refused(Reason.ALWAYS_ON_NEEDS_ACCOUNT)
        return None
    gone: UserId | None = None
    if operation.is_on:
        if stayer_of(state, account.name) is None:
            if len(state.always_on) >= state.settings.always_on_users_max:
                step.refused(Reason.TOO_MANY_ALWAYS_ON)
                return None
            state.always_on[FoldedAccount(fold_nick(account.name))] = user.id
        account.is_always_on = True
    else:
        gone = stop_staying(state, account)
    step.changed(AlwaysOnChanged(step.part, source_of(user), operation.is_on))
    return gone


def stop_staying(state: State, account: Account) -> UserId | None:
    """Let nobody stay for an account any more; gives who has to go, being without a client."""
    account.is_always_on = False
    user = state.always_on.pop(FoldedAccount(fold_nick(account.name)), None)
    return user if user is not None and user in state.absent else None


def expired(state: State) -> list[UserId]:
    """Name those who have been absent for too long, by the log's time."""
    limit_ms = state.settings.always_on_days_max * _DAY_MS
    users = []
    for user, since_ms in state.absent.items():
        if state.time_ms - since_ms < limit_ms:
            break
        users.append(user)
    return users


def is_expiry_due(state: State, time_ms: int) -> bool:
    """Return whether somebody has been absent for too long at `time_ms`; looks at one only."""
    first = next(iter(state.absent.values()), None)
    return first is not None and time_ms - first >= state.settings.always_on_days_max * _DAY_MS
