"""What `roost up` prints when it is ready, and how it keeps certificates valid."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.cli.cluster import DEFAULT_DATA, ClusterDirectory
from roost.cli.deployment import Deployment
from roost.cli.errors import UsageError
from roost.cli.up import RENEWAL_S, keep_renewed
from roost.cli.welcome import (
    Access,
    Hints,
    TlsAccess,
    program_name,
    ready_text,
    status_command,
)
from roost.ops import clock
from roost.ops.expiry import WARNING_DAYS, days_left
from roost.wire.authority import load_certificate


class EndOfTestError(Exception):
    """Ends an endless loop."""


TLS = TlsAccess(("127.0.0.1:6697",), "ab12", Path("/data/authority/ca.pem"))
HINTS = Hints("roost", DEFAULT_DATA)
ACCESS = Access(("127.0.0.1:6667",), TLS, ("http://127.0.0.1:8080",))


def test_the_first_line_has_the_address() -> None:
    text = ready_text(ACCESS, HINTS)
    lines = text.splitlines()
    assert lines[0] == "Roost is ready at 127.0.0.1:6667"
    assert "roost chat 127.0.0.1:6667 " in lines[1]
    assert "irssi -c 127.0.0.1 -p 6667 -n NAME" in lines[2]
    assert "weechat 'irc://NAME@127.0.0.1:6667/#lobby'" in lines[3]
    assert lines[4].split() == ["TLS", "127.0.0.1:6697"]
    assert lines[5].split() == ["certificate", "SHA-256", "ab12"]
    assert "clients must trust /data/authority/ca.pem" in lines[6]
    assert "http://127.0.0.1:8080/ or roost status" in lines[7]


def test_a_node_to_kill_and_the_logs_are_named() -> None:
    hints = HINTS._replace(victim=("n2", 4711), log="roost-data/roost.log")
    text = ready_text(ACCESS, hints)
    assert "kill -9 4711 " in text
    assert "node n2" in text
    assert "roost-data/roost.log" in text
    assert "kill" not in ready_text(ACCESS, HINTS)


def test_nobody_is_told_to_trust_the_authority_for_an_operators_own_certificate() -> None:
    brought = ACCESS._replace(tls=TLS._replace(authority=None))
    assert "trust" not in ready_text(brought, HINTS)


def test_certificates_are_renewed_while_it_runs() -> None:
    calls: list[float] = []

    def renew() -> None:
        if len(calls) == 2:
            raise UsageError("the disk is full")

    async def sleep(seconds: float) -> None:
        calls.append(seconds)
        if len(calls) == 4:
            raise EndOfTestError

    with capture_logs() as logs, pytest.raises(EndOfTestError):
        asyncio.run(keep_renewed(renew, sleep))
    assert calls == [RENEWAL_S] * 4
    (log,) = logs
    assert (log["event"], log["reason"]) == ("certificates-not-renewed", "the disk is full")


def test_a_deployment_renews_what_expires_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ClusterDirectory(tmp_path) as directory:
        cluster = directory.open(1)
        deployment = Deployment(
            directory, cluster, {"b1": ()}, {"n1": ()}, comment="", is_portable=False
        )
        listener = deployment.ensure_listener_files("tls", "localhost")["certificate"]
        paths = (listener, tmp_path / "n1" / "node-n1.pem", tmp_path / "b1" / "balancer-b1.pem")
        start = clock.utc_now()
        for days in range(0, 365 * 5, 20):
            now = start + dt.timedelta(days=days)
            monkeypatch.setattr(clock, "utc_now", lambda now=now: now)
            deployment.renew()
            for path in paths:
                assert days_left(load_certificate(path).not_valid_after_utc, now) >= WARNING_DAYS


def test_several_balancers_are_all_named() -> None:
    text = ready_text(Access(("[::1]:1", "[::1]:2"), TLS, ("http://[::1]:3",)), HINTS)
    assert text.startswith("Roost is ready at [::1]:1 (and at [::1]:2)\n")
    assert "irssi -c ::1 -p 1 -n NAME" in text


def test_the_status_command_can_be_typed_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = program_name(Path(".venv/bin/roost"))
    assert status_command(program, Path("roost-data")) == ".venv/bin/roost status"
    program = program_name(Path("x/__main__.py"))
    assert status_command(program, Path("a b")) == "roost status --data 'a b'"
