"""Accounts and their virtual hosts."""

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from roost.chat.commands.payload import Payload
from roost.chat.credentials import Credentials
from roost.chat.ids import AccountId, SessionId


class RegisterAccount(Payload, frozen=True, tag=16):
    """Register an account, and log in to it."""

    FIELDS_SINCE: ClassVar[Mapping[str, int]] = {"invitation": 2}

    name: str
    credentials: Credentials
    invitation: str = ""
    """The hash of an invitation code, if the client gave one."""


class LogIn(Payload, frozen=True, tag=17):
    """Log in to an account; the node has verified the credentials."""

    account: AccountId


class LogOut(Payload, frozen=True, tag=18):
    pass


class SetCredentials(Payload, frozen=True, tag=19):
    """Change the password of one's own account."""

    account: AccountId
    credentials: Credentials


class DropAccount(Payload, frozen=True, tag=20):
    account: AccountId


class AddCertificate(Payload, frozen=True, tag=21):
    """Accept a client certificate for one's own account."""

    account: AccountId
    fingerprint: str


class RemoveCertificate(Payload, frozen=True, tag=22):
    account: AccountId
    fingerprint: str


class EndClients(Payload, frozen=True, tag=23):
    """End the sessions of another user of one's own account, called `nick`."""

    nick: str


class GrantHost(Payload, frozen=True, tag=53):
    """Give an account a virtual host, or take it; for operators."""

    account: str
    host: str
    """Empty to take it."""


class UseHost(Payload, frozen=True, tag=54):
    """Be shown with the virtual host of one's account, or with one's real host."""

    is_used: bool


class CountLogin(Payload, frozen=True, tag=110):
    """Count an attempt to log in with a password; refused if there were too many.

    This neither acknowledges the client's line nor counts as its effect.
    """

    session: SessionId
    generation: int
    line: int
    address: str
    account: str
    """As typed; it need not exist."""


class RegisterEarly(Payload, frozen=True, tag=111):
    """Register an account for a client that is not registered itself."""

    FIELDS_SINCE: ClassVar[Mapping[str, int]] = {"invitation": 2}

    session: SessionId
    generation: int
    line: int
    address: str
    name: str
    credentials: Credentials
    invitation: str = ""
    """As in `RegisterAccount`."""


class AdmitAccount(Payload, frozen=True, tag=160):
    """Have an account for somebody whom the identity provider knows, made if need be.

    This neither acknowledges the client's line nor counts as its effect.
    """

    SINCE: ClassVar[int] = 2

    session: SessionId
    generation: int
    line: int
    address: str
    name: str
    asked: str
    """The name that the attempt to log in was counted for; it is not counted any more."""


class AskVerification(Payload, frozen=True, tag=170):
    """Expect a code that is sent by e-mail; see `chat.verification`.

    This neither acknowledges the client's line nor counts as its effect.
    """

    SINCE: ClassVar[int] = 2

    session: SessionId
    generation: int
    line: int
    address: str
    kind: str
    """"register", "email" (set the address of an account) or "reset" (its password)."""
    name: str
    """The account's."""
    email: str
    """Folded, to compare it."""
    code: str
    """Its hash."""
    credentials: Credentials = Credentials()
    """For "register"."""


class Verify(Payload, frozen=True, tag=171):
    """Give a code that was sent by e-mail; otherwise as `AskVerification`."""

    SINCE: ClassVar[int] = 2

    session: SessionId
    generation: int
    line: int
    address: str
    name: str
    code: str
    credentials: Credentials = Credentials()
    """For "reset": the new ones."""


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
Request: TypeAlias = CountLogin | RegisterEarly | AdmitAccount | AskVerification | Verify
"""What a line asks for before it takes effect. The line may ask again."""
