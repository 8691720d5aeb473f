"""The settings of one node's IRC side; `chat.settings` has those that all nodes share.

Clients see these values, and could tell two nodes apart by them: give all nodes the same ones.
"""

import re

import msgspec

from roost import __version__
from roost.ircd.login_config import LoginConfig
from roost.ircd.mail_config import MailConfig
from roost.ircd.push_config import PushConfig
from roost.ircd.sts import Sts

OPERATOR_BYTES_MAX = 50
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may become a network operator, by a password, a certificate, or both."""

    name: str
    """The name that they give to OPER; not a nickname."""
    password: str = ""
    """An argon2id hash from `roost hash-password`; empty if only the certificate counts."""
    certificate: str = ""
    """The SHA-256 fingerprint of their client certificate; empty if only the password counts."""

    def __post_init__(self) -> None:
        if not self.name or " " in self.name or len(self.name.encode()) > OPERATOR_BYTES_MAX:
            raise ValueError(
                f"an operator's name has 1 to {OPERATOR_BYTES_MAX} bytes and no spaces, "
                f"not {self.name!r}"
            )
        if not self.password and not self.certificate:
            raise ValueError(f"operator {self.name} needs a password, a certificate or both")
        if self.password and not self.password.startswith("$argon2id$"):
            raise ValueError(
                f"the password of operator {self.name} must be what `roost hash-password` writes"
            )
        if self.certificate and not _FINGERPRINT.fullmatch(self.certificate):
            raise ValueError(
                f"the certificate of operator {self.name} must be 64 hexadecimal digits "
                "in lower case"
            )


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How a node presents itself to clients, and its limits per client."""

    server_name: str = "roost.local"
    """The source of the server's own lines; the dot tells clients that it is not a nickname."""
    version: str = f"roost-{__version__}"
    """The version in VERSION and in the welcome, without spaces."""
    icon: str = ""
    """The URL of the network's picture, preferably square; may contain "{size}"."""
    motd: tuple[str, ...] = ()
    """The lines of the message of the day; empty for none."""
    admin: tuple[str, ...] = ()
    """Up to three lines for ADMIN: location, organisation, contact address."""
    chathistory_max: int = 100
    """Messages in one CHATHISTORY answer: one or two screens, and what most servers allow."""
    autoreplay_lines: int = 15
    """Earlier messages of a room that a client is shown when it enters, if it can neither ask for
    them nor receive batches, and its user has not chosen otherwise: half a screen."""
    queued_lines_max: int = 4096
    """Lines of one session that may be queued.

    A balancer limits the bytes that it sends unacknowledged. This protects the node from one that
    does not, and is far above what a correct balancer reaches.
    """
    registration_lines_max: int = 64
    """Lines before registration is complete: several times as many as any client sends."""
    reply_part_bytes_max: int = 64 * 1024
    """A longer answer is sent in parts, so that no frame grows with the number of rooms."""
    recent_entries: int = 16_384
    """Applied entries that are kept to show moved sessions what they missed.

    It is a few seconds of the busiest log, while a hung node is given up within one; about 20 MB
    if all entries are messages.
    """
    sts: Sts = Sts()
    password: str = ""
    """A password that everybody must give to connect (PASS), as an argon2id hash from
    `roost hash-password`; empty for none."""
    operators: tuple[Operator, ...] = ()
    """Who may become an operator by OPER."""
    login: LoginConfig = LoginConfig()
    push: PushConfig = PushConfig()
    mail: MailConfig = MailConfig()

    def __post_init__(self) -> None:
        for name in ("server_name", "version"):
            value: str = getattr(self, name)
            if not value or not value.isascii() or not value.isprintable() or " " in value:
                raise ValueError(f"{name} must be printable ASCII without spaces, not {value!r}")
        if self.icon and not _is_url(self.icon):
            raise ValueError(f"icon must be an http or https URL without spaces, not {self.icon!r}")
        if "." not in self.server_name:
            raise ValueError(f"server_name must contain a dot, not {self.server_name!r}")
        for name in (
            "chathistory_max",
            "queued_lines_max",
            "registration_lines_max",
            "reply_part_bytes_max",
            "recent_entries",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.autoreplay_lines < 0:
            raise ValueError("autoreplay_lines must not be negative")
        if self.password and not self.password.startswith("$argon2id$"):
            raise ValueError("password must be what `roost hash-password` writes")
        names = [operator.name for operator in self.operators]
        if len(dict.fromkeys(names)) != len(names):
            raise ValueError("operators must not have a name twice")
        for line in (*self.motd, *self.admin):
            if any(character in line for character in "\r\n\0") or len(line.encode()) > 390:
                raise ValueError(f"a line of motd or admin is unfit or above 390 bytes: {line!r}")

    def find_operator(self, name: str) -> Operator | None:
        """Find the operator who uses a name."""
        return next((known for known in self.operators if known.name == name), None)


def _is_url(text: str) -> bool:
    has_scheme = text.startswith(("https://", "http://"))
    return has_scheme and text.isascii() and text.isprintable() and " " not in text


def services_host(config: Config) -> str:
    """Return the host in the masks of NickServ, ChanServ and the like."""
    return f"services.{config.server_name}"
