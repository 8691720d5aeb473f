"""What network operators do; all but `BecomeOperator` are refused to others."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


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


OperatorOperation: TypeAlias = BecomeOperator | Kill | AddBan | RemoveBan | Wallops | Rehash
