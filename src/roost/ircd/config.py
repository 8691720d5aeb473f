"""What a node's IRC side may decide for itself; see `chat.settings` for what all nodes share.

These values show in what clients are told, so that a client could tell two nodes apart by them:
give all nodes the same.
"""

import re

import msgspec

from roost import __version__
from roost.ircd.sts import Sts

OPERATOR_BYTES_MAX = 50
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may look after the network: by a password, a certificate, or both together."""

    name: str
    """What they say to OPER; not a nickname."""
    password: str = ""
    """As `roost hash-password` writes it (argon2id); empty when only the certificate counts."""
    certificate: str = ""
    """The SHA-256 fingerprint of their client certificate; empty when only the password counts."""

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
    """The source of the server's own lines; its dot tells clients that it is no nickname."""
    version: str = f"roost-{__version__}"
    """What VERSION and the welcome say; no spaces."""
    icon: str = ""
    """The address of the network's picture, best a square one; may contain "{size}"."""
    motd: tuple[str, ...] = ()
    """Lines of the message of the day; empty means that there is none."""
    admin: tuple[str, ...] = ()
    """Up to three lines for ADMIN: where, what, and an address."""
    chathistory_max: int = 100
    """Messages in one CHATHISTORY answer; what most servers have, and a screen or two."""
    queued_lines_max: int = 4096
    """Lines of one session that wait for the one before them.

    The balancer bounds what it sends unacknowledged, in bytes; this is the node's own guard
    against a balancer that does not, and is far above what an honest one can reach.
    """
    registration_lines_max: int = 64
    """Lines before registration is complete: several times what any client sends."""
    reply_part_bytes_max: int = 64 * 1024
    """A longer answer leaves in several parts, so that no frame grows with the number of rooms."""
    recent_entries: int = 16_384
    """Applied entries kept to tell a session that moves here what it missed: some seconds of the
    busiest log, and a hung node is given up in one; some 20 MB when they are full of talk."""
    sts: Sts = Sts()
    operators: tuple[Operator, ...] = ()
    """Who may become an operator by OPER."""

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
        names = [operator.name for operator in self.operators]
        if len(dict.fromkeys(names)) != len(names):
            raise ValueError("operators must not have a name twice")
        for line in (*self.motd, *self.admin):
            if any(character in line for character in "\r\n\0") or len(line.encode()) > 390:
                raise ValueError(f"a line of motd or admin is unfit or above 390 bytes: {line!r}")

    def find_operator(self, name: str) -> Operator | None:
        """Find who may become an operator under a name."""
        return next((known for known in self.operators if known.name == name), None)


def _is_url(text: str) -> bool:
    has_scheme = text.startswith(("https://", "http://"))
    return has_scheme and text.isascii() and text.isprintable() and " " not in text


def services_host(config: Config) -> str:
    """Give the host in the masks of NickServ, ChanServ and the like."""
    return f"services.{config.server_name}"
