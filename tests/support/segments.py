"""Logs in segments: loading them, filling them, and what a killed process leaves of them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.raft.messages import HardState, Stored
from roost.storage import DataDirectory, LogStore
from support.stores import batch, copy_as_after_kill, entries, entry, open_directory

HARD = HardState(2, "n2")
WHOLE = (*entries(1, 9), *entries(10, 12, term=2))
"""A log of two terms."""


def opened(directory: DataDirectory) -> LogStore:
    log = LogStore(directory)
    log.load()
    return log


def load(directory: DataDirectory) -> tuple[Stored, tuple[str, ...]]:
    """Load twice, the second time after a write: the repair must be stored."""
    log = LogStore(directory)
    stored = log.load()
    findings = log.findings
    log.write([batch(hard_state=stored.hard_state)])
    log.close()
    again = LogStore(directory)
    assert again.load() == stored
    assert again.findings == ()
    again.close()
    return stored, findings


def load_copy(path: Path) -> tuple[Stored, tuple[str, ...]]:
    with open_directory(path, is_founding=False) as copied:
        return load(copied)


def files(directory: DataDirectory) -> list[Path]:
    return sorted((directory.path / "log").iterdir())


def all_files(directory: DataDirectory) -> list[Path]:
    return [path for path in directory.path.rglob("*") if path.is_file()]


def fill(directory: DataDirectory, hard_state: HardState) -> list[Path]:
    """Write a log of several small segments, with entries 1 to 60; return the files."""
    log = opened(directory)
    for index in range(1, 61):
        log.write([batch(entry(index), hard_state=hard_state)])
    log.close()
    found = files(directory)
    assert len(found) > 4
    return found


def load_copy_of(directory: DataDirectory, tmp_path: Path) -> Stored:
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    copy_as_after_kill(directory.path, tmp_path / "copy")
    stored, findings = load_copy(tmp_path / "copy")
    assert findings == ()
    return stored


class Killed:
    """Copies the data at each call that changes a file, as a process leaves it that is killed."""

    def __init__(self, data: Path, copies: Path) -> None:
        self.data = data
        self.copies = copies
        self.count = 0

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("pwrite", "fsync", "fdatasync", "link", "replace", "unlink"):
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))

    def _wrap(self, call: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object) -> object:
            shutil.copytree(self.data, self.copies / str(self.count))
            self.count += 1
            return call(*arguments)

        return called

    def all(self) -> list[tuple[Stored, tuple[str, ...]]]:
        found = [load_copy(self.copies / str(number)) for number in range(self.count)]
        for number in range(self.count):
            assert not list((self.copies / str(number)).glob("log/*.[no]*")), "left behind"
        return found


def found_if_killed(
    directory: DataDirectory, tmp_path: Path, log: LogStore, call: Callable[[], None]
) -> list[Stored]:
    """Return what a node finds that was killed anywhere in a call, without repetitions."""
    killed = Killed(directory.path, tmp_path / "copies")
    with pytest.MonkeyPatch.context() as patch:
        killed.watch(patch)
        call()
    log.close()
    assert killed.count
    seen: list[Stored] = []
    for stored, findings in killed.all():
        assert findings == ()
        if not seen or seen[-1] != stored:
            seen.append(stored)
    assert load(directory)[1] == ()
    return seen
