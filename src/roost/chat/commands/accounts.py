"""Accounts, and the virtual hosts that they carry."""

from typing import TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, SessionId


class RegisterAccount(Payload, frozen=True, tag=16):
    """Make an account, and log in to it."""

    name: str
    credentials: Credentials


class LogIn(Payload, frozen=True, tag=17):
    """Log in to an account; the node has checked that the client may."""

    account: AccountId


class LogOut(Payload, frozen=True, tag=18):
    """Log out."""


class SetCredentials(Payload, frozen=True, tag=19):
    """Change the password of one's own account."""

    account: AccountId
    credentials: Credentials


class DropAccount(Payload, frozen=True, tag=20):
    """Give up one's own account."""

    account: AccountId


class AddCertificate(Payload, frozen=True, tag=21):
    """Let a client certificate open one's own account."""

    account: AccountId
    fingerprint: str


class RemoveCertificate(Payload, frozen=True, tag=22):
    """Let a client certificate open one's own account no more."""

    account: AccountId
    fingerprint: str


class EndClients(Payload, frozen=True, tag=23):
    """End the clients of another user of one's own account, who is called `nick`."""

    nick: str


class GrantHost(Payload, frozen=True, tag=53):
    """Give an account a virtual host, or take it (empty); for operators."""

    account: str
    host: str


class UseHost(Payload, frozen=True, tag=54):
    """Be shown under the virtual host of one's account, or under one's own."""

    is_used: bool


class CountLogin(Payload, frozen=True, tag=110):
    """A client wants to log in with a password; refused when there were too many attempts.

    Its line takes no effect by this and is not acknowledged by it.
    """

    session: SessionId
    generation: int
    line: int
    address: str
    account: str
    """As it was typed; there may be none of that name."""


class RegisterEarly(Payload, frozen=True, tag=111):
    """A client that is not registered itself makes an account."""

    session: SessionId
    generation: int
    line: int
    address: str
    name: str
    credentials: Credentials


AccountOperation: TypeAlias = (
    RegisterAccount
    | LogIn
    | LogOut
    | SetCredentials
    | DropAccount
    | AddCertificate
    | RemoveCertificate
    | EndClients
    | GrantHost
    | UseHost
)
Request: TypeAlias = CountLogin | RegisterEarly
"""What a line asks for before it takes effect. The line may ask again."""
