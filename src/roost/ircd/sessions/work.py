"""Work that is too slow for the event loop, as values: a driver does it in other threads.

    engine -- (ticket, work) --> driver's threads, or the simulation's delay -- outcome --> engine

These values hold passwords, so they hide their contents when they are printed. They never get into
a log line or a replicated command.
"""

from typing import TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

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


class AskProvider(msgspec.Struct, frozen=True):
    """Ask the identity provider whether a password is right; the outcome is a `Verdict`."""

    name: str
    """As the client typed it."""
    password: str
    address: str
    certificate: str
    """The SHA-256 fingerprint of the client's certificate; empty for none."""
    is_secure: bool

    def __repr__(self) -> str:
        return "AskProvider(...)"


class CheckToken(msgspec.Struct, frozen=True):
    """Check a token of the identity provider; the outcome is a `Verdict`."""

    token: str
    now_ms: int
    """The cluster's time, which decides whether the token has expired."""

    def __repr__(self) -> str:
        return "CheckToken(...)"


class Verdict(msgspec.Struct, frozen=True):
    """What the identity provider, or its token, says."""

    account: str
    """Whose client it is; empty if it proved nothing."""
    reason: str = ""
    """Why it proved nothing, for people; may be empty."""


class SendPush(msgspec.Struct, frozen=True):
    """Send a device a message by web push; the outcome is `Pushed`."""

    endpoint: str
    """Whoever knows it can send to the device."""
    public_key: bytes
    secret: bytes
    """As in `chat.commands.pushes.RegisterPush`."""
    payload: bytes
    signing_key: EllipticCurvePrivateKey
    """The cluster's, by which push services know it."""
    contact: str
    now_ms: int
    """The cluster's time."""

    def __repr__(self) -> str:
        return "SendPush(...)"


class Pushed(msgspec.Struct, frozen=True):
    """The push service has answered."""

    is_gone: bool
    """Whether there is no such device any more."""


class SendMail(msgspec.Struct, frozen=True):
    """Send an e-mail; the outcome is a bool: False if the address does not exist.

    A repeated one has the same `number`, so that it may be noticed.
    """

    recipient: str
    subject: str
    text: str
    number: str

    def __repr__(self) -> str:
        return "SendMail(...)"


class WorkFailed(msgspec.Struct, frozen=True):
    """The outcome of work that could not be done."""

    reason: str
    """For people."""


Work: TypeAlias = HashPassword | VerifyPassword | AskProvider | CheckToken | SendPush | SendMail
Outcome: TypeAlias = Credentials | bool | Verdict | Pushed | WorkFailed
