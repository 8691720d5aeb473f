"""The certificate that clients are shown: read, checked, and exchanged while people talk.

A connection keeps what it began with; a new one gets what was read last. Clients are asked for a
certificate and need not have one. Any is taken, a self-signed one too: TLS proves that the client
has its key, and who the client is stands in its fingerprint and nowhere else.

The standard library's `ssl` cannot ask for a certificate without checking who issued it, so
clients' TLS is pyOpenSSL's. Browsers, which come over HTTP, are asked for none: theirs is `ssl`'s.
"""

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from roost.wire import CredentialsError

CHECK_S = 2.0
"""Between two looks at whether the files have changed."""
CIPHERS_1_2 = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption, as in all of 1.3."""
_SESSION_ID = b"roost"

_logger = structlog.get_logger()


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate that clients are shown."""

    certificate: Path | None = None
    """A PEM file with the certificate that clients are shown, and those that lead to its issuer."""
    key: Path | None = None
    """The PEM file of its key, unencrypted."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both or neither")


class ClientCertificate:
    """What is shown now, and the files that it was read from."""

    def __init__(self, files: TlsFiles, utc_now: Callable[[], dt.datetime]) -> None:
        """Read the files.

        Raises:
            CredentialsError: they cannot be used; the text says which and why.
        """
        assert files.certificate is not None, "checked by the configuration"
        assert files.key is not None, "checked by the configuration"
        self._files = (files.certificate, files.key)
        self._utc_now = utc_now
        self._seen = self._settled = self._stamp()
        self._checked_at = float("-inf")
        self.fingerprint, self.context = self._read()
        """SHA-256 of the certificate, in lower-case hexadecimal, and what connections that come in
        from now on are shown it by."""
        self.https = _https_context(*self._files)
        """The same for HTTP; one object for good, which changes within."""

    def check(self, now: float) -> None:
        """Read the files again if they have changed, and have been left alone since the last look.

        Two files are seldom written at the same moment, and a half-written one is no news.
        """
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        stamp = self._stamp()
        if stamp != self._settled and stamp == self._seen:
            self.reload()
        self._seen = stamp

    def reload(self) -> None:
        """Read the files again; what cannot be used is refused, and the old one stays."""
        self._settled = self._seen = self._stamp()
        try:
            fingerprint, context = self._read()
            self.https.load_cert_chain(*self._files)
        except (CredentialsError, OSError) as error:
            _logger.error("certificate-refused", reason=str(error), kept=self.fingerprint)
            return
        is_new = fingerprint != self.fingerprint
        self.fingerprint, self.context = fingerprint, context
        _logger.info(
            "certificate-reloaded" if is_new else "certificate-unchanged", sha256=fingerprint
        )

    def _read(self) -> tuple[str, SSL.Context]:
        """Make a context of the files; gives the certificate's fingerprint with it.

        Raises:
            CredentialsError: they cannot be used.
        """
        path, key = self._files
        try:
            certificates = x509.load_pem_x509_certificates(path.read_bytes())
            key.read_bytes()
        except OSError as error:
            raise CredentialsError(f"cannot read {error.filename}: {error.strerror}") from error
        except ValueError as error:
            raise CredentialsError(f"{path} is not a certificate in PEM form") from error
        leaf = certificates[0]
        now = self._utc_now()
        if now > leaf.not_valid_after_utc:
            raise CredentialsError(f"{path} expired on {leaf.not_valid_after_utc:%Y-%m-%d}")
        if now < leaf.not_valid_before_utc:
            raise CredentialsError(
                f"{path} is valid from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only: "
                "is this machine's clock right?"
            )
        context = _empty_context()
        try:
            context.use_certificate_chain_file(str(path))
            context.use_privatekey_file(str(key))
            context.check_privatekey()
        except SSL.Error as error:
            raise CredentialsError(
                f"{key} is not the unencrypted key of {path}: {describe(error)}"
            ) from error
        return leaf.fingerprint(hashes.SHA256()).hex(), context

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Tell whether the files are the same as at another time; None for what is not there."""
        return tuple(_stamp(path) for path in self._files)


def describe(error: SSL.Error) -> str:
    """Give OpenSSL's reasons in its own words."""
    if isinstance(error, SSL.SysCallError):
        return str(error.args[-1])
    found = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(entry[-1]) for entry in found) or "TLS failed"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _empty_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(CIPHERS_1_2)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    # A resumed session would save a client little, and needs memory or a secret for each.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(_SESSION_ID)
    # An idle connection gives its 34 KiB of buffers back.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_verify(SSL.VERIFY_PEER, _take_any)
    return context


def _take_any(*_about: object) -> bool:
    """Take any client certificate: only its fingerprint counts."""
    return True


def _https_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Make a context for browsers.

    Raises:
        CredentialsError: the files cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CredentialsError(f"cannot use {certificate} and {key}: {error}") from error
    return context
