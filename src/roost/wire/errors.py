"""Errors of connections between processes.

WireError
 +-- RefusedPeerError      a peer is not admitted, or does not admit us
 +-- CredentialsError      a certificate or key of ours is missing, damaged or does not fit
"""


class WireError(Exception):
    """The base class of this package's errors; the text is for people."""


class RefusedPeerError(WireError):
    """The TLS handshake failed, or the identity in the certificate is not admitted."""


class CredentialsError(WireError):
    """A certificate or key cannot be used; the text names the file and the remedy."""
