"""Choosing and checking the ports that a cluster on one machine listens on."""

import contextlib
import socket
from collections.abc import Sequence

from roost.cli.errors import UsageError


def choose_ports(wanted: Sequence[tuple[str, int, str]]) -> list[int]:
    """Make sure that ports are free, and find free ones where 0 is wanted.

    Each of `wanted` is (host, port, the flag to name in an error). All are held until the last is
    found, so that none is given twice. Whoever listens on one afterwards still has to expect that
    it was taken in between.

    Raises:
        UsageError: a port is in use, or the host is not this machine's.
    """
    with contextlib.ExitStack() as held:
        return [_hold(held, host, port, flag) for host, port, flag in wanted]


def _hold(held: contextlib.ExitStack, host: str, port: int, flag: str) -> int:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = held.enter_context(socket.socket(family, kind, protocol))
        # Connections of an earlier run that linger do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
    except OSError as error:
        why = "it is in use" if "in use" in str(error) else (error.strerror or str(error))
        raise UsageError(
            f"cannot listen on {host}:{port}: {why}; choose another with {flag}"
        ) from error
    return int(listener.getsockname()[1])
