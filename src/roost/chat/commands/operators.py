"""What network operators do."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload


class BecomeOperator(Payload, frozen=True, tag=46):
    """OPER, by somebody who has proved to be `name` of the configuration."""

    name: str


class Kill(Payload, frozen=True, tag=47):
    """Remove a user from the network, with every client; for operators."""

    nick: str
    reason: str


class AddBan(Payload, frozen=True, tag=48):
    """Ban from the network, see `chat.bans`, whoever is there already included; for operators."""

    mask: str
    reason: str
    duration_s: int = 0
    """0 is for good."""


class RemoveBan(Payload, frozen=True, tag=49):
    """Lift a ban; for operators."""

    mask: str


class Wallops(Payload, frozen=True, tag=50):
    """Say something to everybody with user mode w; for operators."""

    text: str


class Rehash(Payload, frozen=True, tag=51):
    """Have every node read its configuration again; for operators."""


OperatorOperation: TypeAlias = BecomeOperator | Kill | AddBan | RemoveBan | Wallops | Rehash
