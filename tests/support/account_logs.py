"""Random account operations, for random logs."""

import random
from collections.abc import Callable

from roost.chat.commands import Operation
from roost.chat.commands.accounts import (
    AddCertificate,
    AdmitAccount,
    AskVerification,
    CountLogin,
    DropAccount,
    EndClients,
    LogIn,
    LogOut,
    RegisterAccount,
    RegisterEarly,
    RemoveCertificate,
    Request,
    SetCredentials,
    Verify,
)
from roost.chat.commands.control import (
    ControlOperation,
    CreateInvitation,
    DisconnectAccount,
    EraseAccount,
    GiveRoom,
    RenameAccount,
    RevokeInvitation,
    SetAdmission,
    SuspendAccount,
    TakeRoom,
    UnsuspendAccount,
)
from roost.chat.commands.operators import (
    AddBan,
    BecomeOperator,
    DropAccountOf,
    Kill,
    RegisterFor,
    Rehash,
    RemoveBan,
    ResetCredentials,
    Wallops,
)
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, SessionId
from roost.chat.state import State

NAMES = ("a", "Eve", "b", "d", "e", "f", "NickServ", "1", "")
ROOMS = ("#a", "#b", "#c", "#none")
CODES = ("c0de", "beef")
MAILED = ("0000", "1111", "2222", "3333", "4444", "5555")
EMAILS = ("a@x.example", "a@x.example", "a@x.example", "a@x.example", "b@x.example")
FINGERPRINTS = ("f1", "f2")
BANNED = ("10.0.0.0/8", "2001:db8::/32", "~a:Eve", "a!*@*x.example", "*@*", "10.0.0.1", "bad mask")
ADDRESSES = ("10.0.0.1", "2001:db8::1", "127.0.0.1", "localhost")


def account_makers(dice: random.Random, state: State) -> dict[Callable[[], Operation], int]:
    """Return functions that create operations, with their weights."""

    def account() -> AccountId:
        known = [found.id for found in state.accounts.values()]
        return AccountId(dice.choice((*known, 99)))

    return {
        lambda: RegisterAccount(dice.choice(NAMES), Credentials()): 2,
        lambda: LogIn(account()): 3,
        LogOut: 1,
        lambda: SetCredentials(account(), Credentials(password="x")): 1,
        lambda: DropAccount(account()): 1,
        lambda: AddCertificate(account(), dice.choice(FINGERPRINTS)): 2,
        lambda: EndClients(dice.choice(NAMES)): 1,
        lambda: BecomeOperator("admin"): 1,
        lambda: Kill(dice.choice(NAMES), "r"): 1,
        lambda: AddBan(dice.choice(BANNED), "r", dice.choice((0, 1, 60))): 1,
        lambda: RemoveBan(dice.choice(BANNED)): 1,
        lambda: Wallops("w"): 1,
        Rehash: 1,
        lambda: RegisterFor(dice.choice(NAMES), Credentials()): 1,
        lambda: ResetCredentials(account(), Credentials(password="y")): 1,
        lambda: DropAccountOf(account()): 1,
        lambda: control(dice, account()): 1,
        lambda: RemoveCertificate(account(), dice.choice(FINGERPRINTS)): 1,
    }


def control(dice: random.Random, account: AccountId) -> ControlOperation:
    """Create something that operators and administrators do with an account or a room."""
    choices: tuple[ControlOperation, ...] = (
        SuspendAccount(account, "r", dice.choice((0, 1, 60))),
        UnsuspendAccount(account),
        RenameAccount(account, dice.choice(NAMES)),
        DisconnectAccount(account, "r"),
        GiveRoom(dice.choice(ROOMS), account),
        TakeRoom(dice.choice(ROOMS)),
        SetAdmission(dice.choice(("open", "open", "none")), False),
        CreateInvitation(dice.choice(CODES) * 16, dice.choice((1, 2)), dice.choice((0, 1))),
        RevokeInvitation(dice.choice(("c0dec0de", "none"))),
    )
    chosen = dice.choice(choices)
    # Seldom: it takes away what other operations need.
    return EraseAccount(account) if account % 16 == 5 else chosen


def ask_for_account(dice: random.Random, session: SessionId, line: int) -> Request:
    """Create a request of a client that has not registered yet."""
    address, name = dice.choice(ADDRESSES), dice.choice(NAMES)
    kind = dice.random()
    if kind < 0.35:
        return CountLogin(session, 1, line, address, name)
    if kind < 0.4:
        return AdmitAccount(session, 1, line, address, name, name)
    if kind < 0.95:
        made = Credentials(password=dice.choice(("", "z")))
        code, email = dice.choice(MAILED) * 16, dice.choice(EMAILS)
        if dice.random() < 0.3:
            return Verify(session, 1, line, address, name, code, made)
        what = dice.choice(("register", "email", "email", "reset"))
        name = dice.choice(("Eve", name))
        return AskVerification(session, 1, line, "localhost", what, name, email, code, made)
    code = dice.choice(("", CODES[0] * 16))
    return RegisterEarly(session, 1, line, address, name, Credentials(), code)
