"""Chooses and checks the ports of a cluster on one machine."""

import contextlib
import socket
import tomllib
from collections.abc import Sequence
from pathlib import Path

from roost.cli.errors import UsageError


def choose_ports(wanted: Sequence[tuple[str, int, str]]) -> list[int]:
    """Check that ports are free, and find free ones for 0.

    Each of `wanted` is (host, port, the flag to name in an error). All ports are held until the
    last one is found, so that none is returned twice. Another program may still take a port before
    the caller listens on it.

    Raises:
        UsageError: a port is in use, or the host is not an address of this machine.
    """
    with contextlib.ExitStack() as held:
        return [_hold(held, host, port, flag) for host, port, flag in wanted]


def _hold(held: contextlib.ExitStack, host: str, port: int, flag: str) -> int:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = held.enter_context(socket.socket(family, kind, protocol))
        # Lingering connections of an earlier run do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
    except OSError as error:
        why = "it is in use" if "in use" in str(error) else (error.strerror or str(error))
        raise UsageError(
            f"cannot listen on {host}:{port}: {why}; choose another with {flag}"
        ) from error
    return int(listener.getsockname()[1])


def former_port(file: Path, key: str) -> int:
    """Return the port that a process's file had in an earlier run; 0 if there was none."""
    try:
        port = tomllib.loads(file.read_text(encoding="utf-8")).get(key, 0)
    except (OSError, ValueError):
        return 0
    return port if isinstance(port, int) and 0 < port < 65536 else 0


def free_or_any(host: str, port: int) -> int:
    """Return the port if it is free, else 0."""
    try:
        choose_ports([(host, port, "")])
    except UsageError:
        return 0
    return port
