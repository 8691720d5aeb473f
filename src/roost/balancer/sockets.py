"""The sockets that clients connect to."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

from roost.wire import format_address

BACKLOG = 1024
"""Connections that the system accepts while this process is busy: a crowd that reconnects."""


@contextlib.asynccontextmanager
async def listening_sockets(
    host: str, port: int, keepalive_s: int
) -> AsyncIterator[list[socket.socket]]:
    """Bind a socket to each of the host's addresses; close them with the context.

    Raises:
        OSError: The address cannot be listened on; the text says why.
    """
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = []
        for family, name in await _resolve(asyncio.get_running_loop(), host, port):
            if sockets:
                # All addresses of a host get the same port, also if any port will do.
                name = (name[0], sockets[0].getsockname()[1], *name[2:])
            sockets.append(stack.enter_context(_listening_socket(family, name, keepalive_s)))
            if port == 0:
                break
        yield sockets


async def _resolve(
    loop: asyncio.AbstractEventLoop, host: str, port: int
) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    try:
        found = await loop.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise OSError(error.errno, f"cannot listen on {host!r}: {error.strerror}") from error
    return list(dict.fromkeys((family, name) for family, _, _, _, name in found))


def _listening_socket(
    family: socket.AddressFamily, name: tuple[Any, ...], keepalive_s: int
) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Accepted sockets inherit what follows.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        set_keepalive(listening, keepalive_s)
        listening.bind(name)
    except OSError as error:
        listening.close()
        text = f"cannot listen on {format_address(name)}: {os.strerror(error.errno or 0)}"
        raise OSError(error.errno, text) from error
    return listening


def set_keepalive(sock: socket.socket, seconds: int) -> None:
    """Set how long a socket is idle before the system probes it, and how often it does."""
    for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
