"""Certificates are watched for changes and for their end; a clock that the test sets tells when."""

import datetime as dt
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.wire import (
    CertificateWatch,
    Credentials,
    CredentialsError,
    FramedConnection,
    RefusedPeerError,
    admit,
    connect,
    serve,
)
from roost.wire.authority import ensure_authority, ensure_credentials
from roost.wire.identity import Identity
from roost.wire.watch import CHECK_S
from support.credentials import NOW, issue
from support.loops import run, wait_until
from support.recorders import Recorder

DAY_S = 86_400.0
NODE = Identity("test", "node", "n1")


class Days:
    """A clock for dates."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> dt.datetime:
        # Certificates know whole seconds.
        return NOW.replace(microsecond=0) + dt.timedelta(days=self.passed)


def renewed(directory: Path, name: str, *, days: int, now: dt.datetime = NOW) -> Credentials:
    (directory / f"node-{name}.pem").unlink()
    return issue(directory, name, days=days, now=now)


def test_a_process_warns_daily_from_30_days_before_the_end_on(tmp_path: Path) -> None:
    clock = Days()
    watch = CertificateWatch(issue(tmp_path, "n1", days=60), NODE, clock)
    warned: list[tuple[float, str, int]] = []
    for hour in range(62 * 24):
        clock.passed = hour / 24
        with capture_logs() as logs:
            watch.check(hour * 3600.0)
        warned += [(clock.passed, log["event"], log["days"]) for log in logs]
    assert warned[0] == (30 + 1 / 24, "certificate-expires-soon", 29)
    assert [event for _, event, _ in warned].count("certificate-expires-soon") == 30
    assert [days for _, _, days in warned] == list(range(29, -3, -1))
    assert warned[-1][1] == "certificate-expired"
    assert watch.days == -2


def test_the_end_of_the_authority_counts_too(tmp_path: Path) -> None:
    clock = Days()
    clock.passed = 3640
    credentials = issue(tmp_path, "n1", days=5000)
    assert CertificateWatch(credentials, NODE, clock).days == 10


def test_new_files_are_read_once_they_are_whole(tmp_path: Path) -> None:
    watch = CertificateWatch(issue(tmp_path, "n1", days=10), NODE, Days())
    watch.check(0.0)
    renewed(tmp_path, "n1", days=300)
    watch.check(CHECK_S)
    assert watch.days == 10, "the key could still be on its way"
    watch.check(CHECK_S + 1)
    assert watch.days == 10, "it is not time yet"
    watch.check(CHECK_S * 2)
    assert watch.days == 300


@pytest.mark.parametrize("is_missing", [False, True])
def test_files_that_cannot_be_used_leave_the_old_ones_in_use(
    tmp_path: Path, is_missing: bool
) -> None:
    credentials = issue(tmp_path, "n1", days=10)
    watch = CertificateWatch(credentials, NODE, Days())
    if is_missing:
        credentials.certificate.unlink()
    else:
        credentials.certificate.write_bytes(issue(tmp_path, "n2").certificate.read_bytes())
    with capture_logs() as logs:
        watch.reload()
    (log,) = logs
    assert log["event"] == "credentials-refused"
    assert watch.days == 10


def test_an_expired_certificate_is_refused_at_the_start(tmp_path: Path) -> None:
    clock = Days()
    clock.passed = 11
    with pytest.raises(CredentialsError, match="expired on"):
        CertificateWatch(issue(tmp_path, "n1", days=10), NODE, clock)


def test_new_connections_show_the_new_certificate_and_old_ones_stay(tmp_path: Path) -> None:
    """The listening process is known to be expired to whoever connects before it is renewed."""

    async def scenario() -> None:
        past = NOW - dt.timedelta(days=20)
        ensure_authority(tmp_path, "test", now=past)
        credentials = issue(tmp_path, "n1", days=300)
        watch = CertificateWatch(credentials, NODE, Days())
        dialling = CertificateWatch(issue(tmp_path, "n2"), Identity("test", "node", "n2"), Days())
        accepted: list[Recorder] = []

        def accept(connection: FramedConnection) -> Recorder:
            accepted.append(Recorder(connection))
            return accepted[-1]

        async with serve("127.0.0.1", 0, watch.server, accept, admit("test", "node")) as listener:

            async def dial() -> FramedConnection:
                rule = admit("test", "node")
                return await connect("127.0.0.1", listener.port, dialling.client, Recorder, rule)

            early = await dial()
            await wait_until(lambda: len(accepted) == 1)
            # As if time had passed: the contexts are given a certificate that has expired.
            renewed(tmp_path, "n1", days=10, now=past)
            watch.server.load_cert_chain(credentials.certificate, credentials.key)
            with pytest.raises(RefusedPeerError, match="certificate has expired"):
                await dial()
            renewed(tmp_path, "n1", days=300)
            watch.reload()
            await dial()
            early.send(b"still here")
            await wait_until(lambda: accepted[0].bodies == [b"still here"])

    run(scenario())


def test_a_renewed_certificate_that_is_sent_is_used_at_once(tmp_path: Path) -> None:
    credentials = issue(tmp_path, "n1", days=10)
    watch = CertificateWatch(credentials, NODE, Days())
    old = credentials.certificate.read_bytes()
    new = renewed(tmp_path, "n1", days=300).certificate.read_bytes()
    credentials.certificate.write_bytes(old)
    watch.take(new)
    assert watch.days == 300
    assert credentials.certificate.read_bytes() == new
    with capture_logs() as logs:
        watch.take(new)
    assert not logs, "the same one again is no news"
    later = renewed(tmp_path, "n1", days=400).certificate.read_bytes()
    watch.take(later)
    assert watch.days == 400, "its file is there already"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("garbage", "not a certificate in PEM form"),
        ("authority", "authority did not issue it"),
        ("identity", "it is not for roost://test/node/n1"),
        ("key", "it is for another key"),
        ("end", "not valid for longer"),
    ],
)
def test_what_is_no_renewal_is_refused(tmp_path: Path, wrong: str, reason: str) -> None:
    credentials = issue(tmp_path, "n1", days=10)
    watch = CertificateWatch(credentials, NODE, Days())
    old = credentials.certificate.read_bytes()
    sent = _sent(wrong, tmp_path)
    credentials.certificate.write_bytes(old)
    with capture_logs() as logs:
        watch.take(sent)
    (log,) = logs
    assert log["event"] == "renewed-certificate-refused"
    assert reason in log["reason"]
    assert credentials.certificate.read_bytes() == old
    assert watch.days == 10


def _sent(wrong: str, directory: Path) -> bytes:
    """Return what is wrong in this way."""
    match wrong:
        case "garbage":
            return b"-----BEGIN CERTIFICATE-----"
        case "authority":
            made = issue(directory / "x", "n1", days=99)
        case "identity":
            made = issue(directory, "n2", days=99)
        case "key":
            authority = ensure_authority(directory, "test", now=NOW)
            made = ensure_credentials(authority, NODE, directory / "y", now=NOW, days=99)
        case _:
            made = renewed(directory, "n1", days=9)
    return made.certificate.read_bytes()
