"""Files are replaced as a whole or not at all, and no temporary file remains."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roost.ops.files import create_file, replace_file


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"old", b"new"):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    with path.open("rb") as reader:
        replace_file(path, b"new")
        assert reader.read() == b"old"


def test_a_new_file_is_its_owners_alone_unless_more_is_asked_for(
    tmp_path: Path, umask: int
) -> None:
    replace_file(tmp_path / "private", b"")
    replace_file(tmp_path / "shared", b"", mode=0o666)
    create_file(tmp_path / "created", b"", mode=0o666)
    modes = [permissions(tmp_path / name) for name in ("private", "shared", "created")]
    assert modes == [0o600, 0o666 & ~umask, 0o666 & ~umask]


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o666])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    path.chmod(mode)
    replace_file(path, b"new", mode=0o644)
    assert permissions(path) == mode


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    monkeypatch.setattr(os, call, _fail)
    with pytest.raises(OSError, match="no room"):
        replace_file(path, b"new", is_durable=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    create_file(path, b"first")
    create_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _fail)
    with pytest.raises(OSError, match="no room"):
        create_file(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "write", [create_file, lambda path, content: replace_file(path, content, is_durable=True)]
)
def test_content_is_synced_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    path = tmp_path / "file"
    synced: list[tuple[bool, bool]] = []

    def sync(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_directory, path.exists()))

    monkeypatch.setattr(os, "fsync", sync)
    write(path, b"content")
    assert synced == [(False, False), (True, True)]


def _fail(*_: object) -> None:
    raise OSError("no room")
