"""The base of everything that a log entry can hold."""

import msgspec


class Payload(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An operation or a command, stored as an array: its tag, then its fields in order.

    Logs of earlier versions must stay readable: a tag is never given to another class, and new
    fields go last and have defaults. Tags of operations are below 100.
    """
