"""Strict transport security: clients that connect in plain text are told to use TLS.

It is off by default, because a client that has seen it refuses plain text to this host until the
duration is over.

Source: ircv3.net/specs/extensions/sts.
"""

import msgspec

PORT_MAX = 65535


class Sts(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that clients are told; give all nodes the same one."""

    port: int = 0
    """The TLS port as clients see it from outside; 0 to not offer `sts`."""
    duration_s: int = 0
    """How long a client that connected by TLS must do so again; 0 ends an earlier policy."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= PORT_MAX:
            raise ValueError(f"sts.port must be from 0 to {PORT_MAX}, not {self.port}")
        if self.duration_s < 0:
            raise ValueError(f"sts.duration_s must not be negative, not {self.duration_s}")
        if self.duration_s and not self.port:
            raise ValueError("sts.duration_s needs sts.port")

    def word(self, *, is_secure: bool) -> str:
        """Return the capability with its value, as in CAP LS; empty if it is not offered."""
        if not self.port:
            return ""
        duration = f"duration={self.duration_s}"
        return f"sts={duration}" if is_secure else f"sts=port={self.port},{duration}"
