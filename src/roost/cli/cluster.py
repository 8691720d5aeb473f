"""A cluster's directory, which `roost up` and `roost init` create.

    cluster.toml      the cluster's id, its members, and whether all have been ready together once
    authority/        the cluster's own certificate authority
    operator/         the certificate and addresses that operators' commands use
    n1/ n2/ ... b1/   one directory per process: config.toml, its certificate, and a node's `data`

Existing files are kept, so the next run completes one that was interrupted.
"""

import contextlib
import datetime as dt
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Self

import msgspec
import structlog

from roost.cli.configuration import read_config, render
from roost.cli.errors import UsageError
from roost.ops.files import replace_file

DEFAULT_DATA = Path("roost-data")
CLUSTER_FILE = "cluster.toml"
CONFIG_FILE = "config.toml"
RUN_FILE = "run.json"
DATA_FOLDER = "data"
OPERATOR = "operator"
"""The name of the operators' directory, and in their certificate."""

NODES_MAX = 32
"""The largest cluster; see `roost.chat.nodes`."""
RENEWAL_DAYS = 31
"""Certificates that expire within this time are renewed, a day before the processes warn of them.
"""


_logger = structlog.get_logger(__name__)


class ClusterFile(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of `cluster.toml`."""

    cluster: str
    """A random id, which keeps the data of two clusters apart."""
    members: tuple[str, ...]
    """The nodes that founded the cluster. Who belongs to it later, its log says."""
    is_founded: bool = False
    """Whether all members have been ready together once. From then on a node without data has lost
    them, and must not vote as if it had never had any."""
    nodes: tuple[str, ...] | None = None
    """The nodes that `roost up` runs here; None for the members."""
    joining: tuple[str, ...] = ()
    """Those of them that the cluster may not have taken in yet."""

    @property
    def local(self) -> tuple[str, ...]:
        """The nodes that `roost up` runs here."""
        return self.members if self.nodes is None else self.nodes


def grow(cluster: ClusterFile, nodes: int, is_taken: Callable[[str], bool]) -> ClusterFile:
    """Return the cluster with so many nodes on this machine; `is_taken` knows names to avoid.

    Raises:
        UsageError: it has more.
    """
    local = cluster.local
    if nodes < len(local):
        raise UsageError(
            f"the cluster has {len(local)} nodes here ({', '.join(local)}), not {nodes}. To have "
            f"fewer, start it without --nodes and run `roost members remove {local[-1]}`"
        )
    added: list[str] = []
    number = 1
    while len(local) + len(added) < nodes:
        name = f"n{number}"
        if name not in (*local, *cluster.members) and not is_taken(name):
            added.append(name)
        number += 1
    if not added:
        return cluster
    return msgspec.structs.replace(
        cluster, nodes=(*local, *added), joining=(*cluster.joining, *added)
    )


def without(cluster: ClusterFile, name: str) -> ClusterFile:
    """Return the cluster without a node on this machine."""
    left = tuple(node for node in cluster.local if node != name)
    return msgspec.structs.replace(cluster, nodes=left)


class ClusterDirectory:
    """A cluster's directory, locked until it is closed. A context manager."""

    def __init__(self, path: Path) -> None:
        """Create the directory if it does not exist, and lock it.

        Raises:
            UsageError: it cannot be written, or another process has locked it.
        """
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _lock(self.path / "lock")
        except BlockingIOError as error:
            raise UsageError(f"another `roost up` is running on {path}") from error
        except OSError as error:
            raise UsageError(f"cannot write to the data directory {path}: {why(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Unlock the directory."""
        self._lock.close()

    def open(self, nodes: int | None) -> ClusterFile:
        """Return the cluster in the directory, or create one of `nodes` members (default: 3).

        If it has fewer nodes here, it gets more, which are joining.

        Raises:
            UsageError: the cluster has more nodes here, or a file cannot be used.
        """
        file = self.path / CLUSTER_FILE
        if not file.exists():
            return self.make(tuple(f"n{number}" for number in range(1, (nodes or 3) + 1)))
        found = read_config(ClusterFile, file)
        if nodes is None:
            return found
        grown = grow(found, nodes, lambda name: (self.path / name).exists())
        if grown != found:
            self.write(grown)
        return grown

    def make(self, members: tuple[str, ...]) -> ClusterFile:
        """Create a cluster of these members.

        Raises:
            UsageError: it cannot be written.
        """
        made = ClusterFile(cluster=f"roost-{secrets.token_hex(4)}", members=members)
        self.write(made)
        return made

    def write(self, cluster: ClusterFile) -> None:
        """Write the cluster's file.

        Raises:
            UsageError: it cannot be written.
        """
        text = render(
            msgspec.to_builtins(cluster),
            "Written by Roost. `roost members` shows which nodes belong to the cluster.",
        )
        self.write_text(CLUSTER_FILE, text)

    def write_text(self, name: str, text: str) -> Path:
        """Replace a file in the directory, and return its path.

        Raises:
            UsageError: it cannot be written.
        """
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(path, text.encode(), mode=0o644, is_durable=True)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {why(error)}") from error
        return path

    def is_founding(self, cluster: ClusterFile, node: str) -> bool:
        """Return whether a node may start as if it had never had any data.

        A node that has begun to store data decides that by itself.
        """
        has_data = (self.path / node / DATA_FOLDER / "identity.json").exists()
        return not cluster.is_founded and not has_data and node in cluster.members


@contextlib.contextmanager
def _certificate_errors() -> Iterator[None]:
    from roost.wire.errors import CredentialsError

    try:
        yield
    except CredentialsError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"cannot renew a certificate: {why(error)}") from error


def _remove_expiring(certificate: Path, now: dt.datetime) -> None:
    """Remove a certificate that expires soon, so that it is created again."""
    from roost.wire.authority import load_certificate

    soon = now + dt.timedelta(days=RENEWAL_DAYS)
    if certificate.exists() and load_certificate(certificate).not_valid_after_utc < soon:
        certificate.unlink()
        _logger.info("certificate-renewed", path=str(certificate))


def ensure_certificates(
    directory: ClusterDirectory,
    cluster: str,
    processes: Mapping[str, tuple[str, tuple[str, ...]]],
    now: dt.datetime,
) -> dict[str, dict[str, Path]]:
    """Create or renew a certificate for each process (name -> role, host names).

    Return the files of each process's `credentials`. The authority is created first if need be.

    Raises:
        UsageError: a file is not valid or cannot be written.
    """
    # cryptography is slow to import, and few commands need it.
    from roost.wire.authority import ensure_authority, ensure_credentials
    from roost.wire.identity import parse_identity

    made: dict[str, dict[str, Path]] = {}
    with _certificate_errors():
        authority = ensure_authority(directory.path / "authority", cluster, now=now)
        for name, (role, hosts) in processes.items():
            folder = directory.path / name
            _remove_expiring(folder / f"{role}-{name}.pem", now)
            identity = parse_identity(f"roost://{cluster}/{role}/{name}")
            assert identity is not None, "roles and names were checked before"
            credentials = ensure_credentials(authority, identity, folder, now=now, hosts=hosts)
            made[name] = msgspec.structs.asdict(credentials)
    return made


def ensure_listener_files(
    directory: ClusterDirectory, cluster: str, folder: str, hosts: tuple[str, ...], now: dt.datetime
) -> dict[str, Path]:
    """Create or renew the certificate that clients see; return the files of a balancer's `tls`.

    Raises:
        UsageError: a file is not valid or cannot be written.
    """
    from roost.wire.authority import ensure_authority, ensure_door_certificate

    place = directory.path / folder
    with _certificate_errors():
        authority = ensure_authority(directory.path / "authority", cluster, now=now)
        _remove_expiring(place / "clients.pem", now)
        certificate, key = ensure_door_certificate(authority, place, now=now, hosts=hosts)
    return {"certificate": certificate, "key": key}


def fingerprint_of(path: Path) -> str:
    """Return a certificate's SHA-256 in lower-case hexadecimal; empty if it cannot be read."""
    from cryptography.hazmat.primitives import hashes

    from roost.wire.authority import load_certificate
    from roost.wire.errors import CredentialsError

    try:
        return load_certificate(path).fingerprint(hashes.SHA256()).hex()
    except CredentialsError:
        return ""


def _lock(path: Path) -> IO[str]:
    """Take a lock that the kernel releases when the process ends."""
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    os.set_inheritable(file.fileno(), False)
    return file


def why(error: OSError) -> str:
    """Return in words why an operation of the system failed."""
    return error.strerror or str(error)
