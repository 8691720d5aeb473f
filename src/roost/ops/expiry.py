"""What is said of certificates before they end, and how changed files are noticed."""

import datetime as dt
from pathlib import Path

import structlog

_logger = structlog.get_logger()

WARNING_S = 86_400.0
"""Between two warnings of one certificate: a day."""
WARNING_DAYS = 30
"""How long before its end a certificate is warned of: longer than a holiday."""


class FileWatch:
    """Tells when files have changed, once they are not being written any more."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen = self._settled = self._stamp()

    def take_note(self) -> None:
        """Take the files as they are now for known."""
        self._seen = self._settled = self._stamp()

    def has_changed(self) -> bool:
        """Return whether the files have changed, but not since the last call.

        This avoids a file that is being written, or one whose counterpart still has to be.
        """
        stamp, before = self._stamp(), self._seen
        self._seen = stamp
        return stamp != self._settled and stamp == before

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return what changes when the files are written; None for a missing one."""
        return tuple(_stamp(path) for path in self._paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def days_left(expires: dt.datetime, now: dt.datetime) -> int:
    """Return the whole days until a certificate expires; negative when it has expired."""
    return (expires - now) // dt.timedelta(days=1)


def describe_end(whose: str, days: int) -> str:
    """Return a warning for people if a certificate ends soon; empty if it does not."""
    if days >= WARNING_DAYS:
        return ""
    return f"{whose} certificate " + (
        "has expired" if days < 0 else f"expires in {days} day{'s' * (days != 1)}"
    )


class ExpiryWarning:
    """Warns in the log of a certificate that ends soon, once a day."""

    def __init__(self) -> None:
        self._warned_at = float("-inf")

    def check(self, path: Path, expires: dt.datetime, days: int, now: float) -> None:
        """Warn if it is time to; `now` is the monotonic time."""
        if days < WARNING_DAYS and now - self._warned_at >= WARNING_S:
            self._warned_at = now
            write = _logger.error if days < 0 else _logger.warning
            event = "certificate-expired" if days < 0 else "certificate-expires-soon"
            write(event, path=str(path), days=days, expires=f"{expires:%Y-%m-%d %H:%M} UTC")
