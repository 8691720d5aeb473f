"""Web push: notifications for phones whose client is not connected.

It is off by default, because nodes then connect to addresses that clients name.
"""

import msgspec


class PushConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether nodes send web push; give all nodes the same."""

    contact: str = ""
    """Whom operators of push services may write to: mailto: and an address, or an https:// address.
    It switches web push on."""
    internal_hosts: tuple[str, ...] = ()
    """Hosts of push services in your own network. Other endpoints must have public addresses, so
    that nobody makes the nodes knock at doors in your network."""

    def __post_init__(self) -> None:
        is_contact = self.contact.startswith(("mailto:", "https://"))
        if self.contact and not (is_contact and self.contact.isascii()):
            raise ValueError(
                f"push.contact must begin with mailto: or https://, not {self.contact!r}"
            )
        for host in self.internal_hosts:
            if not host or host != host.lower() or any(c in host for c in " /:[]"):
                raise ValueError(
                    "push.internal_hosts must be names or IPv4 addresses in lower case, without "
                    f"ports, not {host!r}"
                )

    @property
    def is_on(self) -> bool:
        """Whether clients can register."""
        return bool(self.contact)
