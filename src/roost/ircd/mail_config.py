"""How a node sends e-mail; `node.mail` does it, `ircd.accounts.verifying` says what is sent."""

from pathlib import Path
from typing import Literal

import msgspec

from roost.irc.addresses import is_mail_address

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SMTP server of `registration = "email"`, and of forgotten passwords."""

    host: str = ""
    """The SMTP server; empty if this node sends no e-mail."""
    port: int = 0
    """Its port; 0 for the usual one: 587, with `encryption = "tls"` 465, with "none" 25."""
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    """Whether TLS begins after a command or at once. "none" is for a server on this machine."""
    authority: Path | None = None
    """PEM file of the authority of its certificate; without it, those that the system trusts."""
    sender: str = ""
    """The address that the messages are from."""
    username: str = ""
    """Empty if it needs no login."""
    password_file: Path | None = None
    """A file whose first line is the password."""
    timeout_s: float = 10.0
    """How long sending one message may take, in seconds: people wait for it."""

    def __post_init__(self) -> None:
        if not self.host:
            return
        if not is_mail_address(self.sender):
            raise ValueError(f"mail.sender must be an e-mail address, not {self.sender!r}")
        if self.encryption == "none" and self.host not in _LOOPBACK:
            raise ValueError(
                'mail.encryption may be "none" only for a server on this machine, because others '
                f"between here and {self.host} could read the messages"
            )
        if not 0 <= self.port <= 65535:
            raise ValueError(f"mail.port must be from 0 to 65535, not {self.port}")
        if bool(self.username) != (self.password_file is not None):
            raise ValueError("mail.username and mail.password_file belong together")
        if not 0 < self.timeout_s <= 60:
            raise ValueError(f"mail.timeout_s must be from 0 to 60, not {self.timeout_s}")

    @property
    def is_on(self) -> bool:
        """Whether this node sends e-mail."""
        return bool(self.host)

    @property
    def actual_port(self) -> int:
        """The port, if need be the usual one."""
        return self.port or _PORTS[self.encryption]
