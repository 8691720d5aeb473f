"""Certificates are created once, kept, and checked before use."""

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509

from roost.wire.authority import (
    Credentials,
    check_credentials,
    ensure_authority,
    ensure_credentials,
    identity_in,
    load_certificate,
)
from roost.wire.errors import CredentialsError
from roost.wire.identity import Identity
from roost.wire.tls import client_context, server_context
from support.credentials import NOW, issue

N1 = Identity("test", "node", "n1")


def test_a_certificate_shows_its_identity_and_local_names(tmp_path: Path) -> None:
    certificate = load_certificate(issue(tmp_path, "n1").certificate)
    assert identity_in(certificate) == N1
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_more_hosts_can_be_named(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path, "test", now=NOW)
    hosts = ("chat.example.org", "192.0.2.7")
    credentials = ensure_credentials(authority, N1, tmp_path, now=NOW, hosts=hosts)
    certificate = load_certificate(credentials.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "chat.example.org" in names.get_values_for_type(x509.DNSName)
    assert "192.0.2.7" in [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    credentials = issue(tmp_path / "certificates", "n1")
    for key in (credentials.key, credentials.authority.with_name("ca-key.pem")):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "certificates").stat().st_mode) == 0o700


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    issue(tmp_path, "n1")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    issue(tmp_path, "n1")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(before) == 4


def test_a_key_without_certificate_is_completed(tmp_path: Path) -> None:
    credentials = issue(tmp_path, "n1")
    key = credentials.key.read_bytes()
    credentials.certificate.unlink()
    assert issue(tmp_path, "n1") == credentials
    assert credentials.key.read_bytes() == key


def test_contexts_take_the_files(tmp_path: Path) -> None:
    credentials = issue(tmp_path, "n1")
    assert server_context(credentials).minimum_version.name == "TLSv1_3"
    assert client_context(credentials).minimum_version.name == "TLSv1_3"


def test_a_context_of_missing_files_is_a_clear_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(CredentialsError, match=r"missing.pem"):
        client_context(Credentials(authority=missing, certificate=missing, key=missing))


def test_another_clusters_authority_is_refused(tmp_path: Path) -> None:
    issue(tmp_path, "n1")
    with pytest.raises(CredentialsError, match=r"cluster 'test', not of 'other'"):
        ensure_authority(tmp_path, "other", now=NOW)


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    ours, theirs = issue(tmp_path / "ours", "n1"), issue(tmp_path / "theirs", "n1")
    mixed = Credentials(authority=theirs.authority, certificate=ours.certificate, key=ours.key)
    with pytest.raises(CredentialsError, match=r"was not issued by"):
        check_credentials(mixed, N1, now=NOW)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    first, second = issue(tmp_path, "n1"), issue(tmp_path, "n2")
    mixed = Credentials(authority=first.authority, certificate=first.certificate, key=second.key)
    with pytest.raises(CredentialsError, match=r"is not the key of"):
        check_credentials(mixed, N1, now=NOW)


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    credentials = issue(tmp_path, "n1", days=1)
    with pytest.raises(CredentialsError, match=r"expired on .*have it made again"):
        check_credentials(credentials, N1, now=NOW + dt.timedelta(days=2))


def test_a_certificate_of_the_future_is_refused(tmp_path: Path) -> None:
    credentials = issue(tmp_path, "n1")
    with pytest.raises(CredentialsError, match=r"clock right"):
        check_credentials(credentials, N1, now=NOW - dt.timedelta(days=2))


def test_somebody_elses_certificate_is_refused(tmp_path: Path) -> None:
    credentials = issue(tmp_path, "n2")
    with pytest.raises(CredentialsError, match=r"is for roost://test/node/n2, not for .*n1"):
        check_credentials(credentials, N1, now=NOW)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_damaged_files_are_clear_errors(tmp_path: Path, content: bytes) -> None:
    credentials = issue(tmp_path, "n1")
    credentials.certificate.write_bytes(content)
    with pytest.raises(CredentialsError, match=r"node-n1.pem is not a certificate"):
        check_credentials(credentials, N1, now=NOW)
    credentials.key.write_bytes(content)
    credentials.certificate.unlink()
    with pytest.raises(CredentialsError, match=r"node-n1-key.pem is not an unencrypted key"):
        issue(tmp_path, "n1")


def test_an_impossible_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"1 to 63 ASCII letters"):
        issue(tmp_path, "n/1")
    with pytest.raises(CredentialsError, match=r"1 to 63 ASCII letters"):
        ensure_authority(tmp_path, "two words", now=NOW)


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CredentialsError, match=r"cannot write .*ca-key.pem: "):
        ensure_authority(tmp_path / "file", "test", now=NOW)
