"""Authorities and certificates for tests that use real TLS."""

import datetime as dt
from pathlib import Path

from roost.wire.authority import Credentials, ensure_authority, ensure_credentials
from roost.wire.identity import Identity, Role

NOW = dt.datetime.now(dt.UTC)  # noqa: TID251


def issue(
    directory: Path,
    name: str,
    role: Role = "node",
    *,
    cluster: str = "test",
    now: dt.datetime = NOW,
    days: int = 365,
) -> Credentials:
    """Return a certificate from the authority in `directory`, which is created if need be."""
    authority = ensure_authority(directory, cluster, now=NOW)
    return ensure_credentials(
        authority, Identity(cluster, role, name), directory, now=now, days=days
    )
