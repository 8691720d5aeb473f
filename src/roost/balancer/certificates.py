"""The certificate for TLS clients: read, checked, and replaced while clients are connected.

A new connection gets the certificate that was read last, and keeps it. Clients are asked for a
certificate of their own, but need none. Any is accepted, also a self-signed one: TLS proves that
the client has the key, and only the fingerprint identifies it.

The standard library's `ssl` cannot ask for a certificate without checking its issuer, so IRC
clients get pyOpenSSL's TLS. Browsers are not asked for one, and get `ssl`'s.
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

from roost.ops.expiry import ExpiryWarning, FileWatch, days_left
from roost.wire import CredentialsError, load_certificate, renew_file

CHECK_S = 2.0
"""Between two checks whether the files have changed."""
CIPHERS_1_2 = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption, as always in TLS 1.3."""
_SESSION_ID = b"roost"

_logger = structlog.get_logger()


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of the certificate for TLS clients."""

    certificate: Path | None = None
    """A PEM file with the certificate, followed by those that lead to its issuer."""
    key: Path | None = None
    """A PEM file with its key, unencrypted."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both or neither")


class ClientCertificate:
    """The present certificate, and the files that it was read from."""

    def __init__(self, files: TlsFiles, utc_now: Callable[[], dt.datetime]) -> None:
        """Read the files.

        Raises:
            CredentialsError: They cannot be used; the text says which and why.
        """
        assert files.certificate is not None, "checked by the configuration"
        assert files.key is not None, "checked by the configuration"
        self._files = (files.certificate, files.key)
        self._utc_now = utc_now
        self._watch = FileWatch(*self._files)
        self._warning = ExpiryWarning()
        self._checked_at = float("-inf")
        self.expires = utc_now()
        self.fingerprint, self.context = self._read()
        """SHA-256 of the certificate, in lower-case hexadecimal, and the TLS context of connections
        from now on."""
        self.https = _https_context(*self._files)
        """The TLS context for HTTP: always the same object, which is updated."""

    def check(self, now: float) -> None:
        """Read the files again if they have changed, and warn before the certificate's end."""
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        if self._watch.has_changed():
            self.reload()
        self._warning.check(self._files[0], self.expires, self.days, now)

    @property
    def days(self) -> int:
        """The whole days until the certificate expires."""
        return days_left(self.expires, self._utc_now())

    def reload(self) -> None:
        """Read the files again; if they cannot be used, log it and keep the old certificate."""
        self._watch.take_note()
        try:
            fingerprint, context = self._read()
            self.https.load_cert_chain(*self._files)
        except (CredentialsError, OSError) as error:
            _logger.error("certificate-refused", reason=str(error), kept=self.fingerprint)
            return
        self._warning = ExpiryWarning()
        is_new = fingerprint != self.fingerprint
        self.fingerprint, self.context = fingerprint, context
        _logger.info(
            "certificate-reloaded" if is_new else "certificate-unchanged", sha256=fingerprint
        )

    def take(self, pem: bytes, authority: Path) -> str:
        """Use a renewed certificate that came over a link; return why not, or nothing.

        `authority` is the file of the cluster's, which must have issued the present one, too.
        """
        try:
            is_new = renew_file(self._files[0], authority, pem, None)
            # The file may have been replaced a moment ago, where the command runs.
            if is_new or load_certificate(self._files[0]).not_valid_after_utc != self.expires:
                self.reload()
        except CredentialsError as error:
            _logger.error("renewed-certificate-refused", reason=str(error))
            return str(error)
        return ""

    def _read(self) -> tuple[str, SSL.Context]:
        """Return the certificate's fingerprint and a TLS context.

        Raises:
            CredentialsError: The files cannot be used.
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
        self.expires = leaf.not_valid_after_utc
        return leaf.fingerprint(hashes.SHA256()).hex(), context


def describe(error: SSL.Error) -> str:
    """Return OpenSSL's reasons in its own words."""
    if isinstance(error, SSL.SysCallError):
        return str(error.args[-1])
    found = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(entry[-1]) for entry in found) or "TLS failed"


def _empty_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(CIPHERS_1_2)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    # Resumption would save little here, and needs memory or a secret for each client.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(_SESSION_ID)
    # An idle connection releases its 34 KiB of buffers.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_verify(SSL.VERIFY_PEER, _take_any)
    return context


def _take_any(*_about: object) -> bool:
    """Accept any client certificate: only its fingerprint counts."""
    return True


def _https_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a TLS context for browsers.

    Raises:
        CredentialsError: The files cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CredentialsError(f"cannot use {certificate} and {key}: {error}") from error
    return context
