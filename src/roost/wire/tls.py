"""TLS between the processes of a cluster: version 1.3 only, certificates on both sides, always.

Only the cluster's own authority is trusted. Host names are not checked: a certificate carries the
peer's identity as a URI (`roost.wire.identity`), which is checked after the handshake.
"""

import ssl
from typing import Any

from cryptography import x509

from roost.wire.authority import Credentials, key_hash
from roost.wire.errors import CredentialsError, RefusedPeerError
from roost.wire.identity import Identity, parse_identity

_PLAIN_WORDS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "HTTP_REQUEST": "it speaks HTTP, not TLS",
    "UNSUPPORTED_PROTOCOL": "it does not speak TLS 1.3",
    "NO_PROTOCOLS_AVAILABLE": "it does not speak TLS 1.3",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a certificate, we showed none",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know our cluster's authority",
    "TLSV1_ALERT_DECRYPT_ERROR": "it does not accept our certificate's signature",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our certificate has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "UNEXPECTED_EOF_WHILE_READING": "it hung up during the handshake",
}
"""OpenSSL's reasons, in words that say where to look."""


def server_context(credentials: Credentials) -> ssl.SSLContext:
    """Return the TLS context of a process that listens.

    Raises:
        CredentialsError: a file cannot be used.
    """
    return _context(ssl.PROTOCOL_TLS_SERVER, credentials)


def client_context(credentials: Credentials) -> ssl.SSLContext:
    """Return the TLS context of a process that dials.

    Raises:
        CredentialsError: a file cannot be used.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, credentials)


def _context(protocol: ssl._SSLMethod, credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    load(context, credentials)
    return context


def load(context: ssl.SSLContext, credentials: Credentials) -> None:
    """Have new connections of a context use these files.

    Raises:
        CredentialsError: a file cannot be used.
    """
    try:
        context.load_verify_locations(cafile=credentials.authority)
        context.load_cert_chain(credentials.certificate, credentials.key)
    except (OSError, ssl.SSLError) as error:
        files = f"{credentials.authority}, {credentials.certificate}, {credentials.key}"
        raise CredentialsError(f"cannot use the certificates {files}: {error}") from error


def peer_identity(ssl_object: ssl.SSLObject | None) -> Identity:
    """Return the identity in a peer's verified certificate.

    Raises:
        RefusedPeerError: there is no certificate, or it does not name exactly one identity.
    """
    certificate: dict[str, Any] | None = ssl_object.getpeercert() if ssl_object else None
    if not certificate:
        raise RefusedPeerError("it showed no certificate")
    identities = [
        identity
        for kind, value in certificate.get("subjectAltName", ())
        if kind == "URI" and (identity := parse_identity(value)) is not None
    ]
    if len(identities) != 1:
        raise RefusedPeerError(
            f"its certificate names {len(identities)} identities of the form "
            "roost://CLUSTER/ROLE/NAME, exactly one is needed"
        )
    return identities[0]


def peer_key_hash(ssl_object: ssl.SSLObject | None) -> str:
    """Return the SHA-256 hash of a peer's public key, in hexadecimal; empty if it showed none."""
    certificate = ssl_object.getpeercert(binary_form=True) if ssl_object else None
    return key_hash(x509.load_der_x509_certificate(certificate)) if certificate else ""


def describe_failure(error: BaseException) -> str:
    """Return in plain words why a handshake, or the link after it, failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not acceptable: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        return _PLAIN_WORDS.get(reason, f"TLS failed: {reason or error}")
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ConnectionResetError):
        return "it reset the connection"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
