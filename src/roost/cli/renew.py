"""`roost renew`: new certificates for the processes of a cluster that `roost init` created.

A new certificate has the same name, hosts and key, so processes with old and new certificates
trust each other. The operator copies the files to their machines, where the processes notice them.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from roost.cli.cluster import (
    CLUSTER_FILE,
    RENEWAL_DAYS,
    ClusterDirectory,
    ensure_certificates,
    ensure_listener_files,
)
from roost.cli.errors import UsageError
from roost.ops import clock

_ROLES = ("node", "balancer", "operator")


def renew(data: Path, names: Sequence[str]) -> None:
    """Renew the certificates of the named processes; without names, those that expire soon.

    Raises:
        UsageError: there is no such cluster or process, or a file cannot be read or written.
    """
    if not (data / CLUSTER_FILE).exists():
        raise UsageError(
            f"there is no cluster in {data}: give the directory that `roost init` wrote"
        )
    with ClusterDirectory(data) as directory:
        cluster = directory.open(None)
        certificates = _certificates(directory.path)
        unknown = [name for name in names if name not in certificates]
        if unknown:
            known = ", ".join(sorted(certificates))
            raise UsageError(f"there is no process {unknown[0]}: choose from {known}")
        now = clock.utc_now()

        def is_due(name: str, path: Path) -> bool:
            is_ending = _expiry(path) - now < dt.timedelta(days=RENEWAL_DAYS)
            return name in names or (is_ending and not names)

        made = []
        for name, path in certificates.items():
            if is_due(name, path):
                processes = {name: (path.name.partition("-")[0], _hosts(path))}
                path.unlink()
                ensure_certificates(directory, cluster.cluster, processes, now)
                made.append(path)
        for name, path in _listeners(directory.path).items():
            if is_due(name, path):
                hosts = _hosts(path)
                path.unlink()
                ensure_listener_files(directory, cluster.cluster, name, hosts, now)
                made.append(path)
    for path in made:
        print(f"{path} is valid until {_expiry(path):%Y-%m-%d}")
    if made:
        print("Copy them to their machines. The processes use them within two minutes.")
    else:
        print(f"No certificate expires within {RENEWAL_DAYS} days.")


def _certificates(path: Path) -> dict[str, Path]:
    """Return the certificates by the names of their processes."""
    found = {}
    for role in _ROLES:
        for certificate in sorted(path.glob(f"*/{role}-*.pem")):
            if not certificate.stem.endswith("-key"):
                found[certificate.parent.name] = certificate
    return found


def _listeners(path: Path) -> dict[str, Path]:
    """Return the certificates for clients that this authority issued, by their directories."""
    from cryptography.exceptions import InvalidSignature

    from roost.wire.authority import load_certificate
    from roost.wire.errors import CredentialsError

    found = {}
    for certificate in sorted(path.glob("*/clients.pem")):
        try:
            authority = load_certificate(path / "authority" / "ca.pem")
            load_certificate(certificate).verify_directly_issued_by(authority)
        except (CredentialsError, ValueError, TypeError, InvalidSignature):
            continue
        found[certificate.parent.name] = certificate
    return found


def _expiry(path: Path) -> dt.datetime:
    from roost.wire.authority import load_certificate
    from roost.wire.errors import CredentialsError

    try:
        return load_certificate(path).not_valid_after_utc
    except CredentialsError as error:
        raise UsageError(str(error)) from error


def _hosts(path: Path) -> tuple[str, ...]:
    """Return the host names and addresses of a certificate."""
    from cryptography import x509

    from roost.wire.authority import load_certificate

    names = load_certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    texts = names.value.get_values_for_type(x509.DNSName)
    addresses = names.value.get_values_for_type(x509.IPAddress)
    return tuple(texts) + tuple(str(address) for address in addresses)
