"""A process's own certificates: read again when their files change, and watched for their end.

The TLS contexts are updated in place. A new connection gets the certificate that was read last,
and existing connections keep theirs.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from roost.ops import clock
from roost.ops.expiry import ExpiryWarning, FileWatch, days_left
from roost.ops.files import replace_file
from roost.wire.authority import (
    Credentials,
    check_credentials,
    identity_in,
    load_certificate,
    read_certificate,
)
from roost.wire.errors import CredentialsError
from roost.wire.identity import Identity
from roost.wire.tls import client_context, load, server_context

_logger = structlog.get_logger()

CHECK_S = 60.0
"""Between two checks whether the files have changed; they change once a year or so."""


class CertificateWatch:
    """The certificate by which a process of the cluster is known, and the TLS contexts with it."""

    def __init__(
        self, credentials: Credentials, identity: Identity, utc_now: Callable[[], dt.datetime]
    ) -> None:
        """Read and check the files.

        Raises:
            CredentialsError: they cannot be used.
        """
        self._credentials = credentials
        self._identity = identity
        self._utc_now = utc_now
        files = (credentials.authority, credentials.certificate, credentials.key)
        self._files = FileWatch(*files)
        self._warning = ExpiryWarning()
        self._checked_at = float("-inf")
        check_credentials(credentials, identity, now=utc_now())
        self.server, self.client = server_context(credentials), client_context(credentials)
        """For listening and for dialling: always the same objects, which are updated."""
        self._first_end = self._read_ends()

    @property
    def days(self) -> int:
        """The whole days until the certificate or its authority's expires, whichever is first."""
        return days_left(self._first_end[0], self._utc_now())

    def check(self, now: float) -> None:
        """Look at the files if it is time to; `now` is the monotonic time. Call it often."""
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        if self._files.has_changed():
            self.reload()
        expires, path = self._first_end
        self._warning.check(path, expires, self.days, now)

    def reload(self) -> None:
        """Read the files again; if they cannot be used, log it and keep the old certificate."""
        self._files.take_note()
        try:
            check_credentials(self._credentials, self._identity, now=self._utc_now())
            for context in (self.server, self.client):
                load(context, self._credentials)
            self._first_end = self._read_ends()
        except CredentialsError as error:
            _logger.error("credentials-refused", reason=str(error))
            return
        self._warning = ExpiryWarning()
        _logger.info("credentials-reloaded", expires=f"{self._first_end[0]:%Y-%m-%d}")

    def take(self, pem: bytes) -> None:
        """Replace the certificate by a renewed one that came over a link, if it is one.

        It must be issued by the same authority for the same identity and key, and be valid for
        longer: so whoever sends it can do no harm.
        """
        path = self._credentials.certificate
        try:
            present = load_certificate(path)
            renewed = read_certificate(pem)
            if renewed == present:
                return
            self._check_renewal(present, renewed)
            replace_file(path, pem, mode=0o644, is_durable=True)
        except CredentialsError as error:
            _logger.error("renewed-certificate-refused", reason=str(error))
        except OSError as error:
            _logger.error("renewed-certificate-not-written", path=str(path), reason=error.strerror)
        else:
            self.reload()

    def _check_renewal(self, present: x509.Certificate, renewed: x509.Certificate) -> None:
        """Check that one certificate can take the place of another.

        Raises:
            CredentialsError: it cannot.
        """
        authority = load_certificate(self._credentials.authority)
        try:
            renewed.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CredentialsError("the cluster's authority did not issue it") from error
        if identity_in(renewed) != self._identity:
            raise CredentialsError(f"it is not for {self._identity.uri}")
        if renewed.public_key() != present.public_key():
            raise CredentialsError("it is for another key")
        if renewed.not_valid_after_utc <= present.not_valid_after_utc:
            raise CredentialsError("it is not valid for longer than the present one")

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Look at the files while the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._look())
            try:
                yield
            finally:
                looking.cancel()

    async def _look(self) -> None:
        while True:
            self.check(clock.monotonic())
            await asyncio.sleep(CHECK_S)

    def _read_ends(self) -> tuple[dt.datetime, Path]:
        paths = (self._credentials.certificate, self._credentials.authority)
        return min((load_certificate(path).not_valid_after_utc, path) for path in paths)
