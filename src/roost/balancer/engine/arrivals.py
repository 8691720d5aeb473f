"""Who a client is, as the door knows that it came in by.

Pure. A plain connection says only where it comes from. TLS adds a certificate, and a proxy in
front of us says for whom it speaks.
"""

import msgspec

LOCALHOST = "localhost"
"""The address of a client that has no IP address: it came by a socket of this machine's own."""


class Arrival(msgspec.Struct, frozen=True):
    """One client that has come in by a door."""

    address: str
    """The client's IP address, or "localhost"; empty when it is gone already."""
    is_secure: bool = False
    """Whether nobody between the client and us can read or change what is said."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""
