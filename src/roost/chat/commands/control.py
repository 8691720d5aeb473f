"""What network operators and administrators do with accounts and rooms of others.

An operator asks by IRC: then this is an operation of a line, refused to everybody else. An
administrator asks by the command line: then it is in a `Control`, as part of a request.
"""

from typing import ClassVar, TypeAlias

from roost.chat.commands.operators import DropAccountOf, RegisterFor, ResetCredentials
from roost.chat.commands.payload import Payload
from roost.chat.ids import AccountId


class SuspendAccount(Payload, frozen=True, tag=70):
    """Let nobody log in to an account, and disconnect whoever is."""

    SINCE: ClassVar[int] = 2

    account: AccountId
    reason: str
    duration_s: int = 0
    """0 for until it is lifted."""


class UnsuspendAccount(Payload, frozen=True, tag=71):
    SINCE: ClassVar[int] = 2

    account: AccountId


class RenameAccount(Payload, frozen=True, tag=72):
    """Give an account another name; it keeps everything else."""

    SINCE: ClassVar[int] = 2

    account: AccountId
    name: str


class DisconnectAccount(Payload, frozen=True, tag=73):
    """End all sessions of an account."""

    SINCE: ClassVar[int] = 2

    account: AccountId
    reason: str


class GiveRoom(Payload, frozen=True, tag=74):
    """Make an account the founder of a room, registered or not."""

    SINCE: ClassVar[int] = 2

    room: str
    account: AccountId


class TakeRoom(Payload, frozen=True, tag=75):
    """End the registration of a room, whoever is its founder."""

    SINCE: ClassVar[int] = 2

    room: str


class CreateInvitation(Payload, frozen=True, tag=76):
    """Let people register with a code."""

    SINCE: ClassVar[int] = 2

    code: str
    """Its hash; see `chat.invitations`."""
    uses: int = 1
    """How many accounts it is for."""
    duration_s: int = 0
    """0 for until it is revoked."""
    note: str = ""
    """For whom it is."""


class RevokeInvitation(Payload, frozen=True, tag=77):
    SINCE: ClassVar[int] = 2

    number: str
    """The beginning of the code's hash."""


class EraseAccount(Payload, frozen=True, tag=78):
    """Delete an account, and take what its people said out of history, on every node."""

    SINCE: ClassVar[int] = 2

    account: AccountId


class SetAdmission(Payload, frozen=True, tag=89):
    """Say who may register and connect, until a node's configuration says otherwise."""

    SINCE: ClassVar[int] = 2

    registration: str = ""
    """As in `Settings`; empty to leave it."""
    login_required: bool | None = None
    """None to leave it."""


NewControl: TypeAlias = (
    SuspendAccount
    | UnsuspendAccount
    | RenameAccount
    | DisconnectAccount
    | GiveRoom
    | TakeRoom
    | CreateInvitation
    | RevokeInvitation
    | SetAdmission
    | EraseAccount
)
ControlOperation: TypeAlias = RegisterFor | ResetCredentials | DropAccountOf | NewControl
"""What operators and administrators can both ask for."""
