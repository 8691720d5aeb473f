"""`roost members`: show the nodes of a running cluster, add one, remove one.

    add n4=HOST   makes n4's key, certificate and configuration here, where the authority's key is,
                  seals them for a new token, and gives the sealed files to the cluster
    remove n2     the cluster refuses n2 from then on, whatever certificate it has
    replace n2 n4=HOST    adds n4, and removes n2 once n4 is ready

Nothing here changes the cluster but through its log.
"""

import datetime as dt
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roost.chat.commands.administration import IssueToken, RemoveNode, ShowNodes
from roost.cli.administer import administer
from roost.cli.cluster import (
    CLUSTER_FILE,
    CONFIG_FILE,
    DATA_FOLDER,
    DEFAULT_DATA,
    OPERATOR,
    why,
)
from roost.cli.configuration import load_file, paths_of, render
from roost.cli.drain import OperatorConfig, load_operator, wait_ready
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import AddFlags, OperatorFlags
from roost.cli.init import parse_hosts
from roost.ops import clock
from roost.wire import Credentials

if TYPE_CHECKING:
    from roost.wire.authority import Authority

_COMMENT = "Written by `roost members add`. Paths are relative to the directory of this file."
_SPAN = re.compile(r"(\d+)([mhd])")
_UNITS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
VALID_MAX = dt.timedelta(days=7)
"""The cluster refuses more; see `chat.tokens`."""
_OWN_KEYS = (
    "name",
    "data",
    "credentials",
    "members",
    "neighbours",
    "balancers",
    "mesh_host",
    "mesh_port",
    "mesh_address",
    "http_port",
    "weight",
    "is_founding",
    "run_file",
)
"""Keys of a node's file that another node cannot take over."""
GONE_S = 60.0
"""How long a removal may take: another node catches up and votes first, which takes seconds."""
GONE_POLL_S = 0.3
_NEVER_SHARED = ("127.0.0.1", "::1", "localhost")


def show(flags: OperatorFlags) -> None:
    """Print the nodes that belong to the cluster.

    Raises:
        CommandError: the cluster does not answer.
    """
    from roost.protocol.nodes import decode_nodes

    config = load_operator(flags)
    view = decode_nodes(
        administer(config.cluster, config.balancers, config.credentials, ShowNodes())
    )
    for node in view.nodes:
        since = dt.datetime.fromtimestamp(node.since_ms / 1000, dt.UTC)
        host = node.host or "-"
        print(f"{node.name:<12} {node.role:<8} {host:<24} since {since:%Y-%m-%d %H:%M} UTC")
    for name in view.leaving:
        print(f"{name:<12} was removed, but must go on running until the others can do without it")
    for token in view.tokens:
        expires = dt.datetime.fromtimestamp(token.expires_ms / 1000, dt.UTC)
        print(f"{token.node:<12} {token.host:<24} may join until {expires:%Y-%m-%d %H:%M} UTC")


def remove(flags: OperatorFlags, name: str) -> None:
    """Remove a node from the cluster.

    Raises:
        CommandError: the cluster refuses, or does not answer.
    """
    config = load_operator(flags)
    where = (config.cluster, config.balancers, config.credentials)
    administer(*where, RemoveNode(name))
    _wait_gone(where, name)
    certificate = (flags.data or DEFAULT_DATA) / name / f"node-{name}.pem"
    if flags.config is None:
        certificate.unlink(missing_ok=True)  # `roost renew` is to forget it
    print(f"{name} does not belong to the cluster any more. Delete its data before it joins again.")


def _wait_gone(where: tuple[str, tuple[str, ...], Credentials], name: str) -> None:
    """Wait until the log can do without a removed node: it may be needed for a majority till then.

    Raises:
        CommandError: that takes too long.
    """
    from roost.protocol.nodes import decode_nodes

    deadline = clock.monotonic() + GONE_S
    while name in decode_nodes(administer(*where, ShowNodes())).leaving:
        if clock.monotonic() > deadline:
            raise CommandError(
                f"{name} is removed, but the other nodes cannot do without it yet: see that they "
                f"are ready (`roost status`), and keep {name} and its data until `roost members` "
                "does not show it any more"
            )
        time.sleep(GONE_POLL_S)


def replace(old: str, word: str, flags: AddFlags) -> None:
    """Make a token for a new node, wait until that is ready, and remove the old one.

    Raises:
        UsageError: a flag is wrong, or the authority's key is not here.
        CommandError: the cluster refuses, or the new node is not ready in time.
    """
    from roost.protocol.nodes import decode_nodes

    operator_flags = OperatorFlags(data=flags.data)
    config = load_operator(operator_flags)
    where = (config.cluster, config.balancers, config.credentials)
    known = [node.name for node in decode_nodes(administer(*where, ShowNodes())).nodes]
    if old not in known:
        raise UsageError(
            f"no node named {old} belongs to the cluster: choose from {', '.join(known)}"
        )
    ((name, _),) = parse_hosts("replace", [word]).items()
    add(word, flags)
    print(f"Waiting until {name} is ready. Then {old} is removed ...", file=sys.stderr, flush=True)
    if not wait_ready(config, name, parse_span(flags.valid).total_seconds()):
        raise CommandError(f"{name} was not ready within {flags.valid}, so {old} stays")
    remove(operator_flags, old)


def add(word: str, flags: AddFlags) -> None:
    """Make a token with which a machine joins as a node, and print the command for it.

    Raises:
        UsageError: a flag is wrong, or the authority's key is not here.
        CommandError: the cluster refuses, or does not answer.
    """
    valid = parse_span(flags.valid)
    ((name, host),) = parse_hosts("add", [word]).items()
    data = flags.data or DEFAULT_DATA
    operator = _check_place(data, name)
    _check_reach(operator, host)
    # Where nothing takes it for the directory of a process.
    draft = data / "authority" / f"{name}.{secrets.token_hex(4)}"
    try:
        token = _draft(data, draft, operator, name, host, valid, flags)
        _put_in_place(draft, data / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    print(
        f"{name} may join {operator.cluster} once, within {flags.valid}. Run this on {host}; "
        "whoever has it can do so, so keep it secret:",
        file=sys.stderr,
    )
    print(f"roost join {token}")


def parse_span(text: str) -> dt.timedelta:
    """Parse a length of time such as 30m, 1h or 2d.

    Raises:
        UsageError: it is not one, or too long for a token.
    """
    match = _SPAN.fullmatch(text)
    span = int(match[1]) * _UNITS[match[2]] if match and len(text) <= 6 else dt.timedelta()
    if not dt.timedelta() < span <= VALID_MAX:
        raise UsageError(f"--valid {text}: it must be 1m to 7d, such as 30m, 1h or 2d")
    return span


def node_values(
    siblings: Mapping[str, Mapping[str, Any]], name: str, host: str, members: tuple[str, ...]
) -> dict[str, Any]:
    """Return the keys of a new node's file, given the files of those that exist.

    Settings are those of the first one, so that all nodes agree. Ports are those of the others, or
    the next ones if one of them is on the same host.
    """
    first = next(iter(siblings.values()), {})
    values = {key: value for key, value in first.items() if key not in _OWN_KEYS}
    for key in ("mesh_port", "http_port"):
        used = {peer: port for peer, file in siblings.items() if (port := file.get(key, 0))}
        here = [port for peer, port in used.items() if siblings[peer].get("mesh_host") == host]
        if used:
            values[key] = max(here) + 1 if here else min(used.values())
    meshes = {
        peer: f"{_bracketed(file['mesh_host'])}:{file['mesh_port']}"
        for peer, file in siblings.items()
        if file.get("mesh_host") and file.get("mesh_port")
    }
    return {
        **values,
        "name": name,
        "members": members,
        "data": DATA_FOLDER,
        "mesh_host": host,
        "neighbours": meshes,
    }


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _check_place(data: Path, name: str) -> OperatorConfig:
    """Check that a node of this name can be made here; return the operator's file."""
    if not (data / CLUSTER_FILE).exists() or not (data / "authority" / "ca-key.pem").exists():
        raise UsageError(
            f"{data} has no authority that could certify {name}: give the directory that "
            "`roost init` or `roost up` created with --data"
        )
    if name in (OPERATOR, "authority", "tls") or (data / name / f"balancer-{name}.pem").exists():
        raise UsageError(f"{name} is the name of another directory in {data}: choose another one")
    if (data / name / DATA_FOLDER).exists():
        raise UsageError(
            f"{data / name} holds the data of a node that ran here: move it away, or choose "
            "another name"
        )
    return load_operator(OperatorFlags(data=data))


def _check_reach(operator: OperatorConfig, host: str) -> None:
    def is_local(one: str) -> bool:
        return one.strip("[]") in _NEVER_SHARED

    if not is_local(host) and all(
        is_local(address.rpartition(":")[0]) for address in operator.balancers
    ):
        raise UsageError(
            f"{host} cannot reach the balancers, which listen on {', '.join(operator.balancers)} "
            "for nodes: `roost up` runs a cluster on one machine, `roost init` makes one for many"
        )


def _siblings(data: Path, name: str) -> dict[str, dict[str, Any]]:
    """Return the contents of the nodes' files."""
    found = {}
    for certificate in sorted(data.glob("*/node-*.pem")):
        folder = certificate.parent
        is_one = certificate.name == f"node-{folder.name}.pem" and folder.name != name
        if is_one and (folder / CONFIG_FILE).exists():
            found[folder.name] = load_file(folder / CONFIG_FILE)
    return found


def _draft(
    data: Path,
    draft: Path,
    operator: OperatorConfig,
    name: str,
    host: str,
    valid: dt.timedelta,
    flags: AddFlags,
) -> str:
    """Make a node's files in `draft`, have the cluster keep them, and return the token."""
    from roost.wire.authority import ensure_authority, key_hash, load_certificate
    from roost.wire.errors import CredentialsError
    from roost.wire.joining import (
        ID_BYTES,
        NONCE_BYTES,
        SECRET_BYTES,
        encode_token,
        make_token,
        seal,
    )

    now = clock.utc_now()
    try:
        authority = ensure_authority(data / "authority", operator.cluster, now=now)
        certificate = _make_files(data, draft, authority, operator, name, host, flags)
        files = {path.name: path.read_bytes() for path in sorted(draft.iterdir())}
        key = key_hash(load_certificate(certificate))
    except CredentialsError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"cannot write to {data}: {why(error)}") from error
    random = secrets.token_bytes(SECRET_BYTES + ID_BYTES)
    token = make_token(authority, name, operator.balancers, valid, now=now, random=random)
    valid_ms = round(valid.total_seconds() * 1000)
    sealed = seal(token, files, secrets.token_bytes(NONCE_BYTES))
    request = IssueToken(token.identity.name, name, host, valid_ms, sealed, key)
    administer(operator.cluster, operator.balancers, operator.credentials, request)
    return encode_token(token)


def _make_files(
    data: Path,
    draft: Path,
    authority: "Authority",
    operator: OperatorConfig,
    name: str,
    host: str,
    flags: AddFlags,
) -> Path:
    """Write a node's key, certificate and configuration; return the certificate's path.

    Raises:
        CommandError: the cluster does not say which nodes it has.
        CredentialsError: a certificate cannot be made.
        OSError: a file cannot be written.
    """
    from roost.protocol.nodes import decode_nodes
    from roost.wire.authority import ensure_credentials
    from roost.wire.identity import Identity

    identity = Identity(operator.cluster, "node", name)
    credentials = ensure_credentials(authority, identity, draft, now=clock.utc_now(), hosts=(host,))
    shutil.copyfile(authority.certificate_path, draft / "ca.pem")
    where = (operator.cluster, operator.balancers, operator.credentials)
    members = tuple(node.name for node in decode_nodes(administer(*where, ShowNodes())).nodes)
    siblings = _siblings(data, name)
    values = node_values(siblings, name, host, members)
    _take_along(values, data / next(iter(siblings), ""), draft)
    values |= {
        "cluster": operator.cluster,
        "balancers": operator.balancers,
        "credentials": {
            "authority": "ca.pem",
            "certificate": credentials.certificate.name,
            "key": credentials.key.name,
        },
    }
    for key in ("mesh_port", "http_port"):
        if getattr(flags, key) is not None:
            values[key] = getattr(flags, key)
    (draft / CONFIG_FILE).write_text(render(values, _COMMENT), encoding="utf-8")
    return credentials.certificate


def _take_along(values: dict[str, Any], source: Path, draft: Path) -> None:
    """Copy the files that a sibling's keys name, such as certificates for etcd, to the new node's.

    `values` has these keys, with paths relative to `source`; a file that is not here is left out.

    Raises:
        OSError: a file cannot be copied.
    """
    from roost.node.config import NodeConfig

    for key in paths_of(NodeConfig):
        *tables, last = key.split(".")
        table: Any = values
        for each in tables:
            table = table.get(each, {})
        if last in _OWN_KEYS or tables[:1] == ["credentials"] or not table.get(last):
            continue
        file = source / table[last]
        if file.is_file():
            table[last] = key.replace(".", "-") + file.suffix
            shutil.copyfile(file, draft / table[last])


def _put_in_place(draft: Path, folder: Path) -> None:
    """Keep a node's files for `roost renew`, in place of those of an earlier token."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(draft, folder)
    except OSError as error:
        raise CommandError(
            f"the token is made, but {folder} cannot be written, so `roost renew` will not know "
            f"the node: {why(error)}"
        ) from error
