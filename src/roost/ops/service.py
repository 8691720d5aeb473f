"""Tells systemd how the process is doing: sd_notify(3), without a library for one datagram.

NOTIFY_SOCKET   where to send the datagrams; nothing is sent without it
WATCHDOG_USEC   systemd restarts a process that is silent for that long
"""

import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """The service manager that started this process, if it wants to be told."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_s = 0.0
        """Seconds within which it wants a sign of life; 0 if it wants none."""
        asked = environment.get("WATCHDOG_USEC", "")
        is_for_us = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        if self._path and is_for_us and asked.isascii() and asked.isdigit():
            self.watchdog_s = int(asked) / 1_000_000

    def ready(self) -> None:
        """Say that the process has started."""
        self._send("READY=1")

    def alive(self, status: str) -> None:
        """Give a sign of life, and one line about the state for `systemctl status`."""
        self._send("WATCHDOG=1", f"STATUS={status}")

    def stopping(self) -> None:
        """Say that the process is shutting down."""
        self._send("STOPPING=1")

    def _send(self, *assignments: str) -> None:
        if not self._path:
            return
        # A name that begins with "@" is in the abstract namespace, which has a null byte there.
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as one:
                one.sendto("\n".join(assignments).encode(), address)
        except OSError:
            return  # A manager that cannot be told must not stop the service.
