"""What can go wrong on the wire.

WireError
 +-- RefusedPeerError      a peer is not who may talk to us, or will not talk to us
 +-- CredentialsError      our own certificates are missing, damaged, or not what they should be
"""


class WireError(Exception):
    """The root of what this package raises; its text is for people."""


class RefusedPeerError(WireError):
    """The TLS handshake failed, or the certificate shows an identity that is not wanted here."""


class CredentialsError(WireError):
    """A certificate or key of ours cannot be used; the text names the file and the way out."""
