"""A registered client's line, and the operations that it may hold."""

from typing import Final, TypeAlias

from roost.chat.commands.accounts import AccountOperation
from roost.chat.commands.control import NewControl
from roost.chat.commands.messages import MessageOperation
from roost.chat.commands.metadata import MetadataOperation
from roost.chat.commands.modes import ModeOperation
from roost.chat.commands.operators import OperatorOperation
from roost.chat.commands.ownership import OwnershipOperation
from roost.chat.commands.payload import Payload
from roost.chat.commands.pushes import PushOperation
from roost.chat.commands.rooms import RoomOperation
from roost.chat.commands.users import UserOperation
from roost.chat.ids import SessionId

Operation: TypeAlias = (
    AccountOperation
    | MessageOperation
    | MetadataOperation
    | ModeOperation
    | NewControl
    | OperatorOperation
    | OwnershipOperation
    | PushOperation
    | RoomOperation
    | UserOperation
)

OPERATIONS_MAX: Final = 64
"""Operations in one line: the most targets that a 512-byte line could sensibly name."""


class Act(Payload, frozen=True, tag=102):
    """A registered client's line."""

    session: SessionId
    generation: int
    line: int
    operations: tuple[Operation, ...]
