"""The base of everything that a log entry can hold."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec


class Payload(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An operation or a command, stored as an array: its tag, then its fields in order.

    Logs of earlier versions must stay readable: a tag is never given to another class, and new
    fields go last and have defaults. Tags of operations are below 100. What is newer than version 1
    of the cluster says so; `roost.chat.versions` checks it.
    """

    SINCE: ClassVar[int] = 1
    """The version of the cluster from which on the log may hold this."""
    FIELDS_SINCE: ClassVar[Mapping[str, int]] = {}
    """The same for fields that were added later."""
