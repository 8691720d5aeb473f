"""What can be asked of the replicated chat state: the payloads of log entries.

A *command* is asked for. Ordered by the log it is an *entry*; applying an entry yields *changes*.
A client's line becomes at most one command, an `Act`, however many operations it holds. So one line
number marks all effects of a line.

Each module here is one chapter and ends with the union of its kinds. A new operation needs a class,
a place in that union, and a function that applies it (see `roost.chat.dispatch`).
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from roost.chat.commands.accounts import Request
from roost.chat.commands.act import OPERATIONS_MAX, Act, Operation
from roost.chat.commands.administration import AdministrationCommand
from roost.chat.commands.cluster import ClusterCommand
from roost.chat.commands.pushes import PushCommand
from roost.chat.commands.sessions import SessionCommand

__all__ = [
    "OPERATIONS_MAX",
    "Act",
    "Command",
    "Operation",
    "Request",
    "decode_command",
    "encode_command",
]

Command: TypeAlias = (
    Act | SessionCommand | ClusterCommand | Request | AdministrationCommand | PushCommand
)

encode_command: Callable[[Command], bytes] = msgspec.msgpack.Encoder().encode
"""Makes the data of a log entry."""
decode_command: Callable[[bytes], Command] = msgspec.msgpack.Decoder(Command).decode
"""Reads the data of a log entry; raises `msgspec.MsgspecError` if it is no command of this
version."""
