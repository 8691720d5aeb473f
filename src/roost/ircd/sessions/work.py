"""What is too slow for the event loop, described as plain values: a driver does it elsewhere.

    engine -- (ticket, work) --> driver's threads, or the simulation's delay -- outcome --> engine

A description holds secrets that people typed, so none of these values shows itself: they never get
into a log line, and never into a replicated command.
"""

from typing import TypeAlias

import msgspec

from roost.chat.credentials import Credentials


class HashPassword(msgspec.Struct, frozen=True):
    """Make what a new password is to be checked against; the outcome is `Credentials`."""

    password: str

    def __repr__(self) -> str:
        return "HashPassword(...)"


class VerifyPassword(msgspec.Struct, frozen=True):
    """Check a password against an argon2id hash; the outcome is whether it is right."""

    encoded: str
    """The hash in its encoded form; an empty or malformed one fits no password."""
    password: str

    def __repr__(self) -> str:
        return "VerifyPassword(...)"


class WorkFailed(msgspec.Struct, frozen=True):
    """The outcome of work that was not done."""

    reason: str
    """For people."""


Work: TypeAlias = HashPassword | VerifyPassword
Outcome: TypeAlias = Credentials | bool | WorkFailed
