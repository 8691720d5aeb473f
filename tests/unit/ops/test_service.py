"""systemd learns how a process is doing (sd_notify(3))."""

import os
import socket
from pathlib import Path

import pytest

from roost.ops.service import ServiceManager


@pytest.mark.parametrize("is_abstract", [False, True])
def test_the_service_manager_is_told_what_happens(tmp_path: Path, is_abstract: bool) -> None:
    name = f"@roost-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if is_abstract else name)
        manager.settimeout(10)
        service = ServiceManager({"NOTIFY_SOCKET": name})
        service.ready()
        service.alive("n1 is ready")
        service.stopping()
        told = [manager.recv(1000) for _ in range(3)]
    assert told == [b"READY=1", b"WATCHDOG=1\nSTATUS=n1 is ready", b"STOPPING=1"]


def test_a_service_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    ServiceManager({}).ready()


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_watchdog_is_fed_only_if_it_is_for_this_process(
    environment: dict[str, str], watchdog_s: float
) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": "/run/notify", **environment})
    assert service.watchdog_s == watchdog_s
