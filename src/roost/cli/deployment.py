"""The configuration files of a cluster's processes, as `roost up` and `roost init` write them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roost.cli.toml import render

CONFIG_FILE = "config.toml"
DATA_FOLDER = "data"
OPERATOR = "operator"
"""The operators' directory, and the name in their certificate."""


def balancer_values(
    *,
    cluster: str,
    name: str,
    credentials: Mapping[str, Path],
    host: str,
    port: int,
    trunk: tuple[str, int],
    http: tuple[str, int],
    tls_port: int,
    tls: Mapping[str, Path],
) -> dict[str, Any]:
    """Give a balancer's configuration; `tls` has the files of what clients are shown."""
    return {
        "cluster": cluster,
        "name": name,
        "host": host,
        "port": port,
        "trunk_host": trunk[0],
        "trunk_port": trunk[1],
        "http_host": http[0],
        "http_port": http[1],
        "tls_port": tls_port,
        "tls": dict(tls),
        "credentials": dict(credentials),
    }


def node_values(
    *,
    cluster: str,
    name: str,
    members: Sequence[str],
    credentials: Mapping[str, Path],
    data: Path,
    balancers: Sequence[str],
) -> dict[str, Any]:
    """Give a node's configuration, without where it listens."""
    return {
        "cluster": cluster,
        "name": name,
        "members": list(members),
        "data": data,
        "balancers": list(balancers),
        "credentials": dict(credentials),
    }


def operator_values(
    *, cluster: str, credentials: Mapping[str, Path], balancers: Sequence[str]
) -> dict[str, Any]:
    """Give what operators' commands need; `balancers` are the addresses of their trunk ports."""
    return {
        "cluster": cluster,
        "balancers": list(balancers),
        "credentials": dict(credentials),
    }


def config_text(values: Mapping[str, Any], extra: Mapping[str, Any], comment: str) -> str:
    """Make a file of values, and of others that win over them."""
    merged = {**values}
    for key, value in extra.items():
        old = merged.get(key)
        merged[key] = (
            {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return render(merged, comment)
