"""Who somebody is for as long as history is kept.

An account's name can be given up and registered by somebody else, so what is kept for long names
accounts by their ids. What earlier versions stored by name is still the account's: these versions
did not rename accounts, so an account that exists had its first name since the position that is its
id. Whatever has a later position and that name is its own; the rest was a former account's.
"""

from roost.chat.directory import account_of, find_account
from roost.chat.history import BY_NAME, Owner, identity, identity_by_name
from roost.chat.ids import AccountId, FoldedNick, Position, UserId
from roost.chat.state import Account, State, User
from roost.irc.casemapping import fold_nick

NICKS_MAX = 8
"""Nicknames that are remembered of a user or an account: each costs some look-ups per page of
private history, and some 60 bytes of the state. Few people have more at a time."""


def account_then(state: State, name: str, position: Position) -> AccountId:
    """Return the account that had a name at an earlier position; 0 if it exists no more."""
    account = find_account(state, name)
    if account is not None and first_name(account) == name and account.id < position:
        return account.id
    renamed = state.renamed.get(name, AccountId(0))
    return renamed if renamed < position else AccountId(0)


def first_name(account: Account) -> str:
    """Return the name that an account was registered under."""
    return account.first_name or account.name


def note_first_name(state: State, account: Account) -> None:
    """Remember the first name of an account that is about to be renamed."""
    account.first_name = first_name(account)
    # A later account of that name has nothing that was stored by name.
    state.renamed.setdefault(account.first_name, account.id)


def forget_first_name(state: State, account: Account) -> None:
    """Forget the first name of an account that is dropped."""
    if state.renamed.get(account.first_name) == account.id:
        del state.renamed[account.first_name]


def identity_now(state: State, stored: str, position: Position) -> str:
    """Return the identity that a row of a position has stored; empty if its owner is gone."""
    if not stored.startswith(BY_NAME):
        return stored
    account = account_then(state, stored.removeprefix(BY_NAME), position)
    return identity(UserId(0), account) if account else ""


def owners(state: State, user: User) -> tuple[Owner, ...]:
    """Return the identities under which a user's private history is stored.

    What they said before they logged in is theirs while they stay online.
    """
    account = account_of(state, user)
    own = Owner(identity(user.id, AccountId(0)))
    return (own,) if account is None else (*owners_of(account), own)


def owners_of(account: Account) -> tuple[Owner, ...]:
    """Return the identities under which an account's private history is stored."""
    return (
        Owner(identity(UserId(0), account.id)),
        Owner(identity_by_name(first_name(account)), Position(account.id + 1)),
    )


# Nicknames


def with_nick(nicks: tuple[FoldedNick, ...], nick: str) -> tuple[FoldedNick, ...]:
    """Add a nickname to some that were used, the last one last; the oldest above a limit go."""
    folded = FoldedNick(fold_nick(nick))
    if nicks and nicks[-1] == folded:
        return nicks
    return (*(one for one in nicks if one != folded), folded)[-NICKS_MAX:]


def note_nick(state: State, user: User, former: FoldedNick) -> None:
    """Remember the nickname that a user had until now, and the present one for the account."""
    user.former_nicks = with_nick(user.former_nicks, former)
    account = account_of(state, user)
    if account is not None:
        account.nicks = with_nick(account.nicks, user.nick)


def whom(state: State, nick: str) -> tuple[tuple[Owner, ...], tuple[FoldedNick, ...]]:
    """Return who is known by a nickname: their identities, and their other nicknames.

    If nobody has the nickname, it is the account of that name, for whose users it is reserved.
    """
    folded = FoldedNick(fold_nick(nick))
    bearer = state.nicks.get(folded)
    if bearer is None:
        account = find_account(state, nick)
        known: tuple[Owner, ...] = () if account is None else owners_of(account)
        nicks: tuple[FoldedNick, ...] = ()
    else:
        user = state.users[bearer]
        account = account_of(state, user)
        known, nicks = owners(state, user), user.former_nicks
    if account is not None:
        nicks = (*nicks, *account.nicks)
    return known, tuple(dict.fromkeys(one for one in nicks if one != folded))
