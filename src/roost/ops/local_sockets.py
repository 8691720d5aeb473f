"""Sockets in directories whose names may be longer than the 107 bytes that a socket's may have."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_OPEN_FILES = Path("/proc/self/fd")


@contextlib.contextmanager
def _short_path(path: Path) -> Iterator[str]:
    """Yield another name of a path, which the system knows while the context lasts."""
    if not _OPEN_FILES.is_dir():
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(_OPEN_FILES / str(directory) / path.name)
    finally:
        os.close(directory)


def listen_locally(path: Path, *, backlog: int = 4) -> socket.socket:
    """Return a listening socket at a path, in place of an older one, that only this user can open.

    Raises:
        OSError: that is not possible.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_path(path) as short:
            listener.bind(short)
        path.chmod(0o600)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def connect_locally(path: Path, timeout_s: float) -> socket.socket:
    """Return a blocking connection to the socket at a path; `timeout_s` holds for each call.

    Raises:
        OSError: nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        with _short_path(path) as short:
            connection.connect(short)
    except BaseException:
        connection.close()
        raise
    return connection
