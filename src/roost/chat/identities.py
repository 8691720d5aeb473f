"""Who somebody is for as long as history is kept.

An account's name can be given up and registered by somebody else, so what is kept for long names
accounts by their ids. What earlier versions stored by name is still the account's: names are never
changed, and an account that exists has had its name since the position that is its id. Whatever has
a later position and that name is its own; the rest was a former account's.
"""

from roost.chat.directory import account_of, find_account
from roost.chat.history import BY_NAME, Owner, identity, identity_by_name
from roost.chat.ids import AccountId, Position, UserId
from roost.chat.state import State, User


def account_then(state: State, name: str, position: Position) -> AccountId:
    """Return the account that had a name at an earlier position; 0 if it exists no more."""
    account = find_account(state, name)
    if account is None or account.name != name or account.id >= position:
        return AccountId(0)
    return account.id


def identity_now(state: State, stored: str, position: Position) -> str:
    """Return the identity that a row of a position has stored; empty if its owner is gone."""
    if not stored.startswith(BY_NAME):
        return stored
    account = account_then(state, stored.removeprefix(BY_NAME), position)
    return identity(UserId(0), account) if account else ""


def owners(state: State, user: User) -> tuple[Owner, ...]:
    """Return the identities under which a user's private history is stored."""
    account = account_of(state, user)
    if account is None:
        return (Owner(identity(user.id, AccountId(0))),)
    return (
        Owner(identity(user.id, account.id)),
        Owner(identity_by_name(account.name), Position(account.id + 1)),
    )
