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

from roost.ops import clock
from roost.ops.expiry import ExpiryWarning, FileWatch, days_left
from roost.wire.authority import Credentials, check_credentials, load_certificate
from roost.wire.errors import CredentialsError
from roost.wire.identity import Identity
from roost.wire.renewal import renew_file
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

    def take(self, pem: bytes) -> str:
        """Use a renewed certificate that came over a link; return why not, or nothing."""
        path, authority = self._credentials.certificate, self._credentials.authority
        try:
            is_new = renew_file(path, authority, pem, self._identity)
            # The file may have been replaced a moment ago, where the command runs.
            if is_new or self._read_ends() != self._first_end:
                self.reload()
        except CredentialsError as error:
            _logger.error("renewed-certificate-refused", reason=str(error))
            return str(error)
        return ""

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
