"""The stored form of a password."""

import msgspec


class Credentials(msgspec.Struct, frozen=True, array_like=True):
    """What a password is verified against; never the password itself, and shown to nobody."""

    password: str = ""
    """The encoded argon2id hash; empty if only certificates open the account."""
    scram_salt: bytes = b""
    scram_iterations: int = 0
    scram_stored_key: bytes = b""
    """For SCRAM-SHA-256 (RFC 5802, 3)."""
    scram_server_key: bytes = b""

    def __repr__(self) -> str:
        return "Credentials(...)"
