"""A data directory belongs to one process and one node."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from roost.chat.versions import VERSION
from roost.storage import DataDirectory, DirectoryError, Identity, IdentityError, LockedError
from roost.storage.errors import FormatError
from support.stores import IDENTITY, open_directory

_HOLD = """
import sys
from pathlib import Path
from roost.storage import DataDirectory, Identity
with DataDirectory.open(Path(sys.argv[1]), Identity("test", "n1"), is_founding=True):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_missing_directory_is_created_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "some" / "data"
    with open_directory(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match=f"process {holder.pid}") as caught:
            open_directory(tmp_path)
        assert caught.value.pid == holder.pid
    finally:
        holder.kill()
        holder.communicate()
    # The lock of a killed process is free.
    open_directory(tmp_path).close()


def test_a_closed_directory_can_be_opened_again(tmp_path: Path) -> None:
    open_directory(tmp_path).close()
    with open_directory(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("other", [Identity("test", "n2"), Identity("foreign", "n1")])
def test_another_owners_directory_is_refused(tmp_path: Path, other: Identity) -> None:
    open_directory(tmp_path).close()
    with pytest.raises(IdentityError) as caught:
        DataDirectory.open(tmp_path, other, is_founding=True)
    assert caught.value.found == str(IDENTITY)
    assert caught.value.expected == str(other)
    # The refusal released the lock and changed nothing.
    open_directory(tmp_path).close()


def as_written(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize(
    ("found", "allowed", "advice"),
    [
        (VERSION + 1, VERSION, f"reads 1 to {VERSION}: start the release that wrote it"),
        (0, VERSION, "start the release in between once"),
        (2, 1, "reads 1: the cluster's version has been raised: remove version_max"),
    ],
)
def test_another_format_is_refused_and_nothing_is_touched(
    tmp_path: Path, found: int, allowed: int, advice: str
) -> None:
    content = {"cluster": "test", "node": "n1", "format": found, "log": "unheard of"}
    (tmp_path / "identity.json").write_bytes(msgspec.json.encode(content))
    before = as_written(tmp_path)
    with pytest.raises(FormatError, match=advice):
        DataDirectory.open(tmp_path, IDENTITY, is_founding=True, version_max=allowed)
    assert as_written(tmp_path) == before


def test_the_format_is_raised_once_and_never_lowered(tmp_path: Path) -> None:
    with open_directory(tmp_path) as directory:
        directory.note_log_created()
        assert msgspec.json.decode((tmp_path / "identity.json").read_bytes())["format"] == 1
        directory.note_version(2)
        directory.note_version(1)
    with open_directory(tmp_path) as again:
        assert again.had_log
        assert msgspec.json.decode((tmp_path / "identity.json").read_bytes())["format"] == 2


def test_a_log_without_an_identity_is_refused(tmp_path: Path) -> None:
    open_directory(tmp_path).close()
    (tmp_path / "log.db").touch()
    (tmp_path / "identity.json").unlink()
    with pytest.raises(IdentityError, match=r"identity\.json is missing"):
        open_directory(tmp_path)


def test_a_damaged_identity_is_refused(tmp_path: Path) -> None:
    open_directory(tmp_path).close()
    (tmp_path / "identity.json").write_bytes(b'{"cluster": "te')
    with pytest.raises(IdentityError, match="damaged"):
        open_directory(tmp_path)


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DirectoryError, match=str(path)):
            open_directory(path)


def test_a_directory_that_takes_no_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(DirectoryError, match="Is a directory"):
        open_directory(tmp_path)


def test_only_the_first_opening_says_whether_the_cluster_is_founded(tmp_path: Path) -> None:
    with open_directory(tmp_path / "founder", is_founding=True) as first:
        assert first.may_start_empty
    with open_directory(tmp_path / "founder", is_founding=False) as again:
        assert again.may_start_empty, "no log was made yet, so nothing was promised"
        again.note_log_created()
    with open_directory(tmp_path / "founder", is_founding=True) as later:
        assert not later.may_start_empty
        assert later.had_log
    with open_directory(tmp_path / "replacement", is_founding=False) as lost:
        assert not lost.may_start_empty
