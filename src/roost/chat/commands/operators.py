"""What network operators do; all but `BecomeOperator` are refused to others."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId


class BecomeOperator(Payload, frozen=True, tag=46):
    """OPER; the node has verified the password."""

    name: str
    """The operator's name in the configuration."""


class Kill(Payload, frozen=True, tag=47):
    """Remove a user from the network, with all sessions."""

    nick: str
    reason: str


class AddBan(Payload, frozen=True, tag=48):
    """Ban a mask from the network (see `chat.bans`), and remove users who match it."""

    mask: str
    reason: str
    duration_s: int = 0
    """0 for a permanent ban."""


class RemoveBan(Payload, frozen=True, tag=49):
    mask: str


class Wallops(Payload, frozen=True, tag=50):
    """Send a message to all users with mode w."""

    text: str


class Rehash(Payload, frozen=True, tag=51):
    """Have every node read its configuration again."""


class RegisterFor(Payload, frozen=True, tag=57):
    """Register an account for somebody else."""

    name: str
    credentials: Credentials


class ResetCredentials(Payload, frozen=True, tag=58):
    """Replace the password of somebody's account, and remove its certificates."""

    account: AccountId
    credentials: Credentials


class DropAccountOf(Payload, frozen=True, tag=59):
    """Drop somebody's account."""

    account: AccountId


OperatorOperation: TypeAlias = (
    BecomeOperator
    | Kill
    | AddBan
    | RemoveBan
    | Wallops
    | Rehash
    | RegisterFor
    | ResetCredentials
    | DropAccountOf
)
