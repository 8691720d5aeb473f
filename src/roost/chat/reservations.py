"""Reserved names: those of accounts and of services."""

from roost.chat.ids import FoldedAccount
from roost.chat.state import State
from roost.irc.casemapping import fold_nick

SERVICES = ("NickServ", "ChanServ", "HostServ")
"""Services answer to these names, so nobody can use them."""
_FOLDED_SERVICES = tuple(fold_nick(name) for name in SERVICES)


def is_service(name: str) -> bool:
    return fold_nick(name) in _FOLDED_SERVICES


def is_reserved(state: State, nick: str, account: str) -> bool:
    """Return whether a nickname is reserved for others than the users of `account`."""
    folded = fold_nick(nick)
    return is_service(folded) or (
        FoldedAccount(folded) in state.accounts and folded != fold_nick(account)
    )
