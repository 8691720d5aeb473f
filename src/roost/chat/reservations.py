"""Names that are kept for somebody: for accounts, and for the services."""

from roost.chat.ids import AccountId, FoldedAccount
from roost.chat.state import Account, State
from roost.irc.casemapping import fold_nick

SERVICES = ("NickServ", "ChanServ", "HostServ")
"""Who answers to these names is no user: nobody can be called so."""
_FOLDED_SERVICES = tuple(fold_nick(name) for name in SERVICES)


def is_service(name: str) -> bool:
    """Return whether a name is a service's."""
    return fold_nick(name) in _FOLDED_SERVICES


def is_reserved(state: State, nick: str, account: str) -> bool:
    """Return whether a nickname is kept for somebody else than who is logged in to `account`."""
    folded = fold_nick(nick)
    return is_service(folded) or (
        FoldedAccount(folded) in state.accounts and folded != fold_nick(account)
    )


def find_account(state: State, number: AccountId) -> Account | None:
    """Find an account by its id; None when it is dropped."""
    folded = state.account_names.get(number)
    return state.accounts[folded] if folded is not None else None
