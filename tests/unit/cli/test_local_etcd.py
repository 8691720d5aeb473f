"""`roost up --log etcd` starts a local etcd of three, or says what it needs."""

import shutil
from pathlib import Path

import pytest

from roost.cli.errors import UsageError
from roost.cli.local_etcd import MEMBERS, LocalEtcd


def find_nothing_but(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)


def test_without_the_program_it_says_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find_nothing_but(monkeypatch)
    with pytest.raises(UsageError, match=r"needs the program etcd.*package etcd-server"):
        LocalEtcd(tmp_path)


def test_members_find_each_other_where_they_were_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find_nothing_but(monkeypatch, "etcd")
    first, again = LocalEtcd(tmp_path), LocalEtcd(tmp_path)
    assert len(set(first.endpoints)) == len(MEMBERS)
    assert again.endpoints == first.endpoints
    line = first.command_line("e2")
    assert line == again.command_line("e2")
    assert line[0] == "/bin/etcd"
    assert line[line.index("--heartbeat-interval") + 1] == "20"
    assert line[line.index("--election-timeout") + 1] == "200"
    assert f"http://{first.endpoints[1]}" in line


def test_a_member_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find_nothing_but(monkeypatch, "etcd", "setpriv")
    line = LocalEtcd(tmp_path).command_line("e1")
    assert line[:4] == ["/bin/setpriv", "--pdeathsig", "TERM", "/bin/etcd"]


def test_a_damaged_file_of_ports_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find_nothing_but(monkeypatch, "etcd")
    LocalEtcd(tmp_path)
    (tmp_path / "etcd" / "ports.json").write_text("no json")
    with pytest.raises(UsageError, match=r"cannot use .*etcd"):
        LocalEtcd(tmp_path)
