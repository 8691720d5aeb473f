"""What `roost up` prints when it is ready."""

from pathlib import Path

import pytest

from roost.cli.up import Access, TlsAccess, ready_text, status_command

TLS = TlsAccess(("127.0.0.1:6697",), "ab12", Path("/data/authority/ca.pem"))
ACCESS = Access(("127.0.0.1:6667",), TLS, ("http://127.0.0.1:8080",))


def test_the_first_line_has_the_address() -> None:
    text = ready_text(ACCESS, "roost status")
    lines = text.splitlines()
    assert lines[0] == "Roost is ready at 127.0.0.1:6667"
    assert "irssi -c 127.0.0.1 -p 6667 -n NAME" in lines[1]
    assert "weechat 'irc://NAME@127.0.0.1:6667/#lobby'" in lines[2]
    assert lines[3].split() == ["TLS", "127.0.0.1:6697"]
    assert lines[4].split() == ["certificate", "SHA-256", "ab12"]
    assert "clients must trust /data/authority/ca.pem" in lines[5]
    assert "http://127.0.0.1:8080/" in lines[6]


def test_nobody_is_told_to_trust_the_authority_for_an_operators_own_certificate() -> None:
    brought = ACCESS._replace(tls=TLS._replace(authority=None))
    assert "trust" not in ready_text(brought, "status")


def test_several_balancers_are_all_named() -> None:
    text = ready_text(Access(("[::1]:1", "[::1]:2"), TLS, ("http://[::1]:3",)), "roost status")
    assert text.startswith("Roost is ready at [::1]:1 (and at [::1]:2)\n")
    assert "irssi -c ::1 -p 1 -n NAME" in text


def test_the_status_command_can_be_typed_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status_command(Path(".venv/bin/roost"), Path("roost-data")) == ".venv/bin/roost status"
    assert status_command(Path("x/__main__.py"), Path("a b")) == "roost status --data 'a b'"
