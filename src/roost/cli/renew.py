"""`roost renew`: new certificates for the processes of a cluster that `roost init` created.

A new certificate has the same name, hosts and key, so processes with old and new certificates
trust each other. Running balancers are sent theirs, and running nodes get theirs through one. The
operator copies the others to their machines, where the processes notice them.
"""

import asyncio
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
from roost.cli.drain import OperatorConfig, load_operator
from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.flags import OperatorFlags
from roost.cli.order_line import OrderLine
from roost.ops import clock
from roost.ops.expiry import days_left
from roost.protocol.codec import FrameError
from roost.protocol.orders import PROTOCOL_VERSION, RenewOrder, decode_answer, encode

ANSWER_S = 5.0
"""How long a balancer may take to answer. It answers at once."""
NOTED_S = 5.0
"""How long a process may take to say that it uses a new certificate: some probes."""
POLL_S = 0.3
CLIENTS_FILE = "clients.pem"
"""The certificate of a balancer for its clients."""

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
        earlier = [] if names else _made_lately(directory.path, made, now)
    _report(data, made)
    for path in earlier:
        # The process may not have run when it was made.
        deliver(data, path)


def renew_joined(directory: ClusterDirectory, cluster: str, others: Sequence[str]) -> None:
    """Renew the certificates that expire soon of nodes that run elsewhere, and send them.

    `others` are the processes that are cared for otherwise.

    Raises:
        UsageError: a file cannot be read or written.
    """
    now = clock.utc_now()
    for name, path in _certificates(directory.path).items():
        is_ending = _expiry(path) - now < dt.timedelta(days=RENEWAL_DAYS)
        if name not in others and path.name.startswith("node-"):
            if is_ending:
                processes = {name: ("node", _hosts(path))}
                ensure_certificates(directory, cluster, processes, now)
            # Also one of earlier: the node may not have run then.
            if is_ending or is_new(path, now):
                deliver(directory.path, path)


def _made_lately(path: Path, made: Sequence[Path], now: dt.datetime) -> list[Path]:
    """Return the other certificates of nodes and balancers that are new."""
    everything = [*_certificates(path).values(), *_listeners(path).values()]
    return [one for one in everything if one not in made and _is_sent(one) and is_new(one, now)]


def _is_sent(path: Path) -> bool:
    """Return whether a certificate is one that can be sent to the process that uses it."""
    return not path.name.startswith("operator-")


def is_new(path: Path, now: dt.datetime) -> bool:
    """Return whether a certificate was issued within the last `RENEWAL_DAYS`."""
    from roost.wire.authority import load_certificate

    issued = load_certificate(path).not_valid_before_utc
    return now - issued < dt.timedelta(days=RENEWAL_DAYS)


def _report(data: Path, made: Sequence[Path]) -> None:
    """Have the processes use their new certificates, and say what is left to do."""
    left = []
    for path in made:
        is_used = _is_sent(path) and deliver(data, path)
        using = f"; {path.parent.name} uses it" if is_used else ""
        print(f"{path} is valid until {_expiry(path):%Y-%m-%d}{using}")
        if not is_used:
            left.append(path)
    if left:
        which = "Copy them" if len(left) == len(made) else "Copy the others"
        print(f"{which} to their machines. The processes use them within two minutes.")
    if not made:
        print(f"No certificate expires within {RENEWAL_DAYS} days.")


def deliver(data: Path, path: Path) -> bool:
    """Send a process its new certificate; return whether it uses it.

    One that does not run, or that cannot be reached from here, gets it as before: as a file.
    """
    try:
        operator = load_operator(OperatorFlags(data=data))
        days = days_left(_expiry(path), clock.utc_now())
        name, content = path.parent.name, path.read_bytes()
        order = RenewOrder(PROTOCOL_VERSION, name, content, path.name == CLIENTS_FILE)
        return asyncio.run(send(operator, order, days))
    except CommandError:
        return False


async def send(operator: OperatorConfig, order: RenewOrder, days: int) -> bool:
    """Send a certificate to the balancer that it is for, or the first that can pass it on.

    Return whether the process says that its certificate is valid for so many days.
    """
    for address in operator.balancers:
        line = OrderLine()
        try:
            await line.open(address, operator.cluster, operator.credentials)
            deadline = clock.monotonic() + NOTED_S
            while clock.monotonic() < deadline:
                answer = decode_answer(await line.exchange(encode(order), ANSWER_S))
                if answer.problem:
                    break
                if answer.certificate_days == days:
                    return True
                await asyncio.sleep(POLL_S)
        except (UnreachableError, FrameError):
            continue
        finally:
            line.close()
    return False


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
    for certificate in sorted(path.glob(f"*/{CLIENTS_FILE}")):
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
