"""`roost config check`: read configuration files as the processes would, and change nothing.

Which process a file belongs to is recognised by its keys. Beyond the keys and values, the
certificates that the file names are read and checked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from roost.balancer import Config as BalancerConfig
from roost.balancer.certificates import ClientCertificate
from roost.cli.configuration import load_file, make_config, merge, read_config
from roost.cli.drain import OperatorConfig
from roost.cli.errors import UsageError
from roost.cli.flags import UpConfig
from roost.node.config import NodeConfig
from roost.ops import clock
from roost.ops.expiry import WARNING_DAYS
from roost.wire import CertificateWatch, Credentials, CredentialsError, Identity, Role

_OWN = {
    "cluster": "any",
    "name": "any",
    "credentials": {"authority": "any", "certificate": "any", "key": "any"},
}
"""What `roost up` itself writes into the file of every process."""
_OWN_OF_NODES = {**_OWN, "members": ["any"], "data": "any"}


class _Found(NamedTuple):
    """What a file says."""

    description: str
    days: tuple[int, ...] = ()
    """Days until each certificate expires."""


def check(files: Sequence[Path]) -> None:
    """Check each file, and print a line about each that is valid.

    Raises:
        UsageError: a file is not valid; all files have been checked.
    """
    problems = []
    for file in files:
        try:
            found = _check_one(file)
        except UsageError as error:
            problems.append(str(error))
            continue
        end = min(found.days, default=WARNING_DAYS)
        warning = f"; a certificate expires in {end} days" if end < WARNING_DAYS else ""
        print(f"{file}: {found.description}, valid{warning}")
    if problems:
        raise UsageError("\nroost: ".join(problems))


def _check_one(file: Path) -> _Found:
    values = load_file(file)
    try:
        if "cluster" not in values:
            return _check_up(file)
        if "name" not in values:
            return _check_operator(file)
        return _check_node(file) if "data" in values else _check_balancer(file)
    except CredentialsError as error:
        raise UsageError(f"{file}: {error}") from error


def _check_up(file: Path) -> _Found:
    config = read_config(UpConfig, file)
    for kind, own, table, values in (
        (NodeConfig, _OWN_OF_NODES, "node", config.node),
        (BalancerConfig, _OWN, "balancer", config.balancer),
    ):
        _check_table(kind, own, values, f"{file}: [{table}]")
    return _Found("a file of `roost up`")


def _check_table(
    kind: type, own: Mapping[str, Any], values: Mapping[str, Any], source: str
) -> None:
    make_config(kind, merge(own, values), source=source)


def _check_operator(file: Path) -> _Found:
    config = read_config(OperatorConfig, file)
    days = _days(config.credentials, config.cluster, "operator", "operator")
    return _Found(f"an operator's file of {config.cluster}", (days,))


def _check_node(file: Path) -> _Found:
    config = read_config(NodeConfig, file)
    days = _days(config.credentials, config.cluster, "node", config.name)
    return _Found(f"node {config.name} of {config.cluster}", (days,))


def _check_balancer(file: Path) -> _Found:
    config = read_config(BalancerConfig, file)
    days = [_days(config.credentials, config.cluster, "balancer", config.name)]
    if config.tls.certificate is not None:
        days.append(ClientCertificate(config.tls, clock.utc_now).days)
    return _Found(f"balancer {config.name} of {config.cluster}", tuple(days))


def _days(credentials: Credentials, cluster: str, role: Role, name: str) -> int:
    return CertificateWatch(credentials, Identity(cluster, role, name), clock.utc_now).days
