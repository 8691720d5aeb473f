"""`roost renew`: new certificates for the processes of a cluster that `roost init` made.

A certificate is made anew for the same name, hosts and key; nothing else changes, and processes
that still have the old one go on trusting those with the new one. The files are then copied to
their machines, and the processes started again one after the other.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from roost.cli.cluster import CLUSTER_FILE, RENEWAL_DAYS, ClusterDirectory, ensure_certificates
from roost.cli.errors import UsageError
from roost.ops import clock

_ROLES = ("node", "balancer", "operator")


def renew(data: Path, names: Sequence[str]) -> None:
    """Renew the named processes' certificates; without names, those that expire soon.

    Raises:
        UsageError: there is no cluster, no such process, or a file cannot be read or written.
    """
    if not (data / CLUSTER_FILE).exists():
        raise UsageError(f"there is no cluster in {data}: name the directory given to `roost init`")
    with ClusterDirectory(data) as directory:
        cluster = directory.open(None)
        certificates = _certificates(directory.path)
        unknown = [name for name in names if name not in certificates]
        if unknown:
            known = ", ".join(sorted(certificates))
            raise UsageError(f"no process is called {unknown[0]}: there are {known}")
        now = clock.utc_now()
        due = list(names) or [
            name
            for name, path in certificates.items()
            if _expiry(path) - now < dt.timedelta(days=RENEWAL_DAYS)
        ]
        for name in due:
            path = certificates[name]
            role = path.name.partition("-")[0]
            hosts = _hosts(path)
            path.unlink()
            ensure_certificates(directory, cluster.cluster, {name: (role, hosts)}, now)
            print(f"{path} is valid until {_expiry(path):%Y-%m-%d}")
    if due:
        print("Copy them to their machines, and start their processes again, one after the other.")
    else:
        print(f"No certificate expires within {RENEWAL_DAYS} days.")


def _certificates(path: Path) -> dict[str, Path]:
    """Find the processes' certificates, by the processes' names."""
    found = {}
    for role in _ROLES:
        for certificate in sorted(path.glob(f"*/{role}-*.pem")):
            if not certificate.stem.endswith("-key"):
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
    """Give the host names and addresses that a certificate is valid for."""
    from cryptography import x509

    from roost.wire.authority import load_certificate

    names = load_certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    texts = names.value.get_values_for_type(x509.DNSName)
    addresses = names.value.get_values_for_type(x509.IPAddress)
    return tuple(texts) + tuple(str(address) for address in addresses)
