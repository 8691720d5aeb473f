"""Clients that are logged in to an account, for the simulation."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from roost.chat.commands.sessions import OpenSession, ResumeSession
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, FoldedAccount
from roost.chat.state import Account, State
from roost.ircd.serving import registration
from roost.ircd.sessions.session import LocalSession


def state_with(account: str, *, is_always_on: bool) -> Callable[[], State]:
    """Return initial states in which an account exists."""

    def make() -> State:
        state = State()
        owned = Account(AccountId(1), account, 0, Credentials(), is_always_on=is_always_on)
        state.accounts[FoldedAccount(account)] = owned
        state.account_names[owned.id] = FoldedAccount(account)
        return state

    return make


def let_own(patch: pytest.MonkeyPatch, account: str, *, is_always_on: bool = False) -> None:
    """Log in clients whose nickname begins with the name of the account."""
    make = state_with(account, is_always_on=is_always_on)
    patch.setattr("roost.node.engine.engine.State", make)
    patch.setattr("support.simulation.truth.State", make)
    plain = registration.open_session

    def open_session(session: LocalSession, line: int) -> OpenSession | ResumeSession:
        command = plain(session, line)
        if isinstance(command, OpenSession) and command.nick.startswith(account):
            return replace(command, account=AccountId(1))
        return command

    patch.setattr(registration, "open_session", open_session)
