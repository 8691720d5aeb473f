"""Finds users, rooms and accounts by their names."""

from roost.chat.ids import AccountId, FoldedAccount, FoldedNick, FoldedRoom, UserId
from roost.chat.state import Account, Room, State, User
from roost.irc.casemapping import fold_nick, fold_room


def find_user(state: State, nick: str) -> User | None:
    user = state.nicks.get(FoldedNick(fold_nick(nick)))
    return None if user is None else state.users[user]


def find_room(state: State, name: str) -> Room | None:
    room = state.room_names.get(FoldedRoom(fold_room(name)))
    return None if room is None else state.rooms[room]


def find_account(state: State, name: str) -> Account | None:
    return state.accounts.get(FoldedAccount(fold_nick(name)))


def account_by_id(state: State, number: AccountId) -> Account | None:
    """Return an account by its id; None if it was dropped."""
    folded = state.account_names.get(number)
    return None if folded is None else state.accounts[folded]


def account_of(state: State, user: User) -> Account | None:
    """Return the account that a user is logged in to, if any."""
    return account_by_id(state, user.account_id)


def users_of(state: State, account: str) -> tuple[UserId, ...]:
    """Return the users who are logged in to an account."""
    return tuple(state.users_by_account.get(FoldedAccount(fold_nick(account)), ()))
