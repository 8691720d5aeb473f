"""Writes the directories of a cluster's processes, for `roost up` and `roost init`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roost.cli.cluster import (
    CONFIG_FILE,
    OPERATOR,
    ClusterDirectory,
    ClusterFile,
    ensure_certificates,
    ensure_listener_files,
)
from roost.cli.configuration import merge, render
from roost.cli.errors import UsageError
from roost.ops import clock

NO_VALUES: Mapping[str, Any] = {}


class Deployment:
    """The certificates and configuration files of a cluster's processes."""

    def __init__(
        self,
        directory: ClusterDirectory,
        cluster: ClusterFile,
        balancers: Mapping[str, tuple[str, ...]],
        nodes: Mapping[str, tuple[str, ...]],
        *,
        comment: str,
        is_portable: bool,
    ) -> None:
        """Create the certificates.

        `balancers` and `nodes` give the host names of each process. If `is_portable`, files name
        nothing outside their own directory, so that it can be copied to another machine. Each
        configuration file begins with `comment`.

        Raises:
            UsageError: a file is not valid or cannot be written.
        """
        self._directory = directory
        self._cluster = cluster.cluster
        self._comment = comment
        self._is_portable = is_portable
        self._listeners: list[tuple[str, tuple[str, ...]]] = []
        roles = {name: ("balancer", hosts) for name, hosts in balancers.items()}
        roles |= {name: ("node", hosts) for name, hosts in nodes.items()}
        roles[OPERATOR] = ("operator", ())
        self._roles = roles
        self._credentials = ensure_certificates(directory, self._cluster, roles, clock.utc_now())

    def renew(self) -> None:
        """Renew the certificates that expire soon. The processes notice it by themselves.

        Raises:
            UsageError: a file is not valid or cannot be written.
        """
        now = clock.utc_now()
        ensure_certificates(self._directory, self._cluster, self._roles, now)
        for folder, hosts in self._listeners:
            ensure_listener_files(self._directory, self._cluster, folder, hosts, now)

    def write(
        self, name: str, values: Mapping[str, Any], over: Mapping[str, Any] = NO_VALUES
    ) -> None:
        """Write the configuration file of a process or of operators; `over` overrides `values`.

        Raises:
            UsageError: it cannot be written.
        """
        own = {"cluster": self._cluster} | ({} if name == OPERATOR else {"name": name})
        credentials = self._credentials[name]
        if self._is_portable:
            _copy_authority(credentials)
        merged = merge({**own, **values, "credentials": self._shown(credentials)}, over)
        self._directory.write_text(f"{name}/{CONFIG_FILE}", render(merged, self._comment))

    def ensure_listener_files(self, folder: str, *hosts: str) -> dict[str, Path]:
        """Create or renew the certificate that clients see, and return its files.

        Raises:
            UsageError: a file is not valid or cannot be written.
        """
        self._listeners.append((folder, hosts))
        now = clock.utc_now()
        files = ensure_listener_files(self._directory, self._cluster, folder, hosts, now)
        return self._shown(files)

    def _shown(self, files: Mapping[str, Path]) -> dict[str, Path]:
        """Return paths as the process that reads them must see them."""
        return {
            kind: Path(path.name) if self._is_portable else path for kind, path in files.items()
        }


def _copy_authority(credentials: Mapping[str, Path]) -> None:
    """Copy the authority's certificate to the directory of a process."""
    target = credentials["certificate"].with_name(credentials["authority"].name)
    try:
        shutil.copyfile(credentials["authority"], target)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
