"""What `roost up` prints when the cluster is ready: how to connect, and what to try."""

import shlex
from pathlib import Path
from typing import NamedTuple

from roost.cli.cluster import DEFAULT_DATA


class TlsAccess(NamedTuple):
    """What users need to connect by TLS."""

    addresses: tuple[str, ...]
    fingerprint: str
    """Of the certificate that clients see."""
    authority: Path | None
    """The file to trust; None if the operator supplied the certificate."""


class Access(NamedTuple):
    """Where a cluster can be reached."""

    addresses: tuple[str, ...]
    """HOST:PORT for clients, one per balancer."""
    tls: TlsAccess
    urls: tuple[str, ...]
    """The balancers' HTTP addresses."""


class Hints(NamedTuple):
    """What a person can do with a cluster that is ready."""

    program: str
    """How to call `roost`."""
    data: Path
    victim: tuple[str, int] | None = None
    """The name and process id of a node that can be killed to try it."""
    log: str = ""
    """The log file, if there is one."""


def ready_text(access: Access, hints: Hints) -> str:
    """Return how to connect to a cluster that is ready, and what to try."""
    first, *others = access.addresses
    host, _, port = first.rpartition(":")
    also = f" (and at {', '.join(others)})" if others else ""
    chat = shlex.join([hints.program, "chat", first])
    lines = [
        f"Roost is ready at {first}{also}",
        f"  chat     {chat}   (in another terminal)",
        f"  irssi    irssi -c {host.strip('[]')} -p {port} -n NAME",
        f"  WeeChat  weechat 'irc://NAME@{first}/#lobby'",
        f"  TLS      {', '.join(access.tls.addresses)}",
        f"           certificate SHA-256 {access.tls.fingerprint}",
    ]
    if access.tls.authority is not None:
        lines.append(f"           clients must trust {access.tls.authority}")
    lines.append(f"  status   {access.urls[0]}/ or {status_command(hints.program, hints.data)}")
    if hints.victim is not None:
        name, pid = hints.victim
        lines.append(f"  try      kill -9 {pid}   (node {name}: nobody who chats notices)")
    if hints.log:
        lines.append(f"  logs     {hints.log}")
    lines.append("  Ctrl-C stops the cluster.")
    return "\n".join(lines)


def program_name(program: Path) -> str:
    """Return how the user can call `roost` again, from the path that this process has."""
    return str(program) if program.name == "roost" else "roost"


def status_command(program: str, data: Path) -> str:
    """Return the command line that shows the status of the cluster in `data`."""
    words = [program, "status"]
    if data.absolute() != DEFAULT_DATA.absolute():
        words += ["--data", str(data)]
    return shlex.join(words)
