"""Work that is too slow for the event loop, as values: a driver does it in other threads.

    engine -- (ticket, work) --> driver's threads, or the simulation's delay -- outcome --> engine

These values hold passwords, so they hide their contents when they are printed. They never get into
a log line or a replicated command.
"""

from typing import TypeAlias

import msgspec

from roost.chat.credentials import Credentials


class HashPassword(msgspec.Struct, frozen=True):
    """Hash a new password; the outcome is `Credentials`."""

    password: str

    def __repr__(self) -> str:
        return "HashPassword(...)"


class VerifyPassword(msgspec.Struct, frozen=True):
    """Check a password against an argon2id hash; the outcome is a bool."""

    encoded: str
    """The encoded hash; an empty or malformed one matches no password."""
    password: str

    def __repr__(self) -> str:
        return "VerifyPassword(...)"


class WorkFailed(msgspec.Struct, frozen=True):
    """The outcome of work that could not be done."""

    reason: str
    """For people."""


Work: TypeAlias = HashPassword | VerifyPassword
Outcome: TypeAlias = Credentials | bool | WorkFailed
