"""Strict transport security: clients that came by plain text are told to come back by TLS.

Source: ircv3.net/specs/extensions/sts. It is off until an operator turns it on, because a client
that has seen it refuses to speak plain text to this host for as long as it was told.
"""

import msgspec

PORT_MAX = 65535


class Sts(msgspec.Struct, frozen=True, kw_only=True):
    """What clients are told; the same on all nodes."""

    port: int = 0
    """Where clients find TLS, as they see it from outside; 0 does not offer `sts` at all."""
    duration_s: int = 0
    """How long a client that came by TLS must do so again; 0 ends what it was told before. The
    specification advises operators to choose it deliberately."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= PORT_MAX:
            raise ValueError(f"sts.port must be from 0 to {PORT_MAX}, not {self.port}")
        if self.duration_s < 0:
            raise ValueError(f"sts.duration_s must not be negative, not {self.duration_s}")
        if self.duration_s and not self.port:
            raise ValueError("sts.duration_s needs sts.port")

    def word(self, *, is_secure: bool) -> str:
        """Give the capability with its value, as CAP LS lists it; empty when it is not offered."""
        if not self.port:
            return ""
        duration = f"duration={self.duration_s}"
        return f"sts={duration}" if is_secure else f"sts=port={self.port},{duration}"
