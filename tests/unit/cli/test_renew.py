"""Certificates are renewed for the same names and keys; nothing else changes."""

import datetime as dt
from pathlib import Path

import pytest

from roost.cli.cluster import ClusterDirectory
from roost.cli.errors import UsageError
from roost.cli.flags import InitFlags
from roost.cli.init import init
from roost.cli.renew import renew, renew_joined
from roost.ops import clock
from roost.wire import Credentials
from roost.wire.authority import check_credentials, load_certificate
from roost.wire.identity import Identity
from support.tls_files import self_signed


@pytest.fixture(autouse=True)
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer for the cluster, in which only n1 runs; return whom it was asked for."""
    asked: list[str] = []

    def deliver(_data: Path, path: Path) -> bool:
        asked.append(path.parent.name)
        return asked[-1] == "n1"

    monkeypatch.setattr("roost.cli.renew.deliver", deliver)
    return asked


def made(data: Path) -> Path:
    init(
        InitFlags(
            nodes=("n1=10.0.0.1", "n2=10.0.0.2", "n3=chat.example.org"),
            balancers=("b1=10.0.0.9",),
            data=data,
        )
    )
    return data


def certificate_of(data: Path, name: str) -> Path:
    return data / name / f"node-{name}.pem"


def test_a_named_certificate_is_made_anew_for_the_same_key_and_hosts(tmp_path: Path) -> None:
    data = made(tmp_path)
    before = {name: load_certificate(certificate_of(data, name)) for name in ("n2", "n3")}
    renew(data, ["n3"])
    after = {name: load_certificate(certificate_of(data, name)) for name in ("n2", "n3")}
    assert after["n2"] == before["n2"]
    assert after["n3"].serial_number != before["n3"].serial_number
    assert after["n3"].public_key() == before["n3"].public_key()
    extensions = [list(found["n3"].extensions) for found in (before, after)]
    assert extensions[0] == extensions[1]
    credentials = Credentials(
        authority=data / "n3" / "ca.pem",
        certificate=certificate_of(data, "n3"),
        key=data / "n3" / "node-n3-key.pem",
    )
    cluster = (data / "cluster.toml").read_text(encoding="utf-8").split('"')[1]
    check_credentials(credentials, Identity(cluster, "node", "n3"), now=clock.utc_now())


def test_without_names_only_what_expires_soon_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = made(tmp_path)
    capsys.readouterr()
    renew(data, [])
    assert "No certificate expires" in capsys.readouterr().out
    later = load_certificate(certificate_of(data, "n1")).not_valid_after_utc
    monkeypatch.setattr(clock, "utc_now", lambda: later)
    renew(data, [])
    assert load_certificate(certificate_of(data, "n1")).not_valid_after_utc > later


def test_the_certificates_that_clients_see_are_renewed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made(tmp_path)
    path = data / "b1" / "clients.pem"
    before = load_certificate(path)
    later = before.not_valid_after_utc
    monkeypatch.setattr(clock, "utc_now", lambda: later)
    renew(data, [])
    after = load_certificate(path)
    assert after.not_valid_after_utc > later
    assert after.public_key() == before.public_key()
    assert list(after.extensions) == list(before.extensions)
    renew(data, ["b1"])
    assert load_certificate(path).serial_number != after.serial_number


def test_nodes_that_run_get_theirs_and_the_rest_is_to_be_copied(
    tmp_path: Path, delivered: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    data = made(tmp_path)
    capsys.readouterr()
    renew(data, ["n1"])
    shown = capsys.readouterr().out
    assert shown.endswith("; n1 uses it\n")
    assert "Copy" not in shown
    renew(data, ["n1", "n2", "b1"])
    shown = capsys.readouterr().out
    assert shown.count("uses it") == 1
    assert "Copy the others to their machines" in shown
    # The balancer has two: one for nodes, and one for clients.
    assert delivered == ["n1", "n1", "n2", "b1", "b1"]
    assert shown.count(" is valid until ") == 4


def test_a_certificate_that_somebody_else_issued_is_left_alone(tmp_path: Path) -> None:
    data = made(tmp_path)
    own = self_signed(tmp_path, "own", days=1)
    assert own.certificate is not None
    content = own.certificate.read_bytes()
    (data / "b1" / "clients.pem").write_bytes(content)
    renew(data, [])
    assert (data / "b1" / "clients.pem").read_bytes() == content


def test_an_unknown_process_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no process n9: choose from b1, n1, n2"):
        renew(made(tmp_path), ["n9"])


def test_a_directory_without_a_cluster_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no cluster in"):
        renew(tmp_path, [])


def test_roost_up_renews_and_sends_those_of_nodes_elsewhere_alone(
    tmp_path: Path, delivered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made(tmp_path)
    ends = {
        name: load_certificate(certificate_of(data, name)).not_valid_after_utc
        for name in ("n1", "n3")
    }
    cluster = (data / "cluster.toml").read_text(encoding="utf-8").split('"')[1]
    middle = ends["n3"] - dt.timedelta(days=100)
    monkeypatch.setattr(clock, "utc_now", lambda: middle)
    with ClusterDirectory(data) as directory:
        renew_joined(directory, cluster, ("n1", "n2"))
        assert delivered == []
        monkeypatch.setattr(clock, "utc_now", lambda: ends["n3"])
        renew_joined(directory, cluster, ("n1", "n2"))
        assert delivered == ["n3"]
        # It is sent again for a while: the node may have been down.
        renew_joined(directory, cluster, ("n1", "n2"))
        assert delivered == ["n3", "n3"]
    after = load_certificate(certificate_of(data, "n3")).not_valid_after_utc
    assert after > ends["n3"]
    assert load_certificate(certificate_of(data, "n1")).not_valid_after_utc == ends["n1"]
