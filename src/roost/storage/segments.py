"""The files of the log's segments: one write and one fdatasync for each durable record.

    log/0000000007.segment      full
    log/0000000008.segment      records are appended here; zeros behind them
    log/0000000008.new, .old    only while a segment is rewritten without its oldest entries

A file is written with zeros and synced before it is used, so that a record changes no metadata, and
`fdatasync` waits for the record alone. All files belong to one log, which has a random id. A log
that is replaced by another (`create`) exists until the caller has durably noted the other's id.
Until then a crash leaves the new files, and after it the old ones: `resume` removes what is not
this log's. What is removed is overwritten before: somebody may want it to be gone.

What fails before the sync because there is no room changes nothing and can be repeated. A failed
sync is final, because the kernel may have dropped the pages.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from roost.ops.files import sync_directory
from roost.raft.messages import Position
from roost.storage.errors import FullError, StorageError
from roost.storage.segment_records import ID_BYTES, Found, Record, Segment

SEGMENT_BYTES = 4 * 1024 * 1024
"""The size of a file, unless its first record is larger: some 15,000 short messages. It is written
with zeros in 5 ms."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SUFFIX = ".segment"
_SUFFIXES = (_SUFFIX, ".new", ".old")


class _File:
    """A segment, and the entries that it has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first_index = 0
        self.last_index = 0
        """The highest index of any entry, also of ones that were replaced; 0 without entries."""

    def note(self, record: Record) -> None:
        """Note that a record is in the file."""
        if record.entries:
            first, last = record.entries[0].index, record.entries[-1].index
            self.first_index = min(first, self.first_index or first)
            self.last_index = max(last, self.last_index)


class Segments:
    """The segments of one log in a directory.

    Raises:
        FullError: the disk is full. Nothing was changed, and the call can be repeated.
        StorageError: the disk fails, and what it holds is unknown.
    """

    def __init__(self, directory: Path, log: bytes) -> None:
        """`log` is the id; call `read`, then `resume`, before anything else."""
        self.id = log
        self._directory = directory
        self._files: list[_File] = []
        self._descriptor = -1
        self._offset = 0
        self._capacity = 0
        self._segment = Segment(log, 0)
        """What the file is in which records are appended."""
        self._sequence = 0
        self._is_synced = True
        self._has_failed = False

    @classmethod
    def create(cls, directory: Path, record: Record) -> Self:
        """Make a new log beside the one that is there, with one record, durably."""
        segments = cls(directory, b"RL" + secrets.token_bytes(ID_BYTES - 2))
        try:
            with _told(directory):
                if not directory.exists():
                    directory.mkdir(mode=0o700)
                    sync_directory(directory.parent)
                numbers = [_number(path) for path in _paths(directory)]
            segments._add_file(max(numbers, default=0) + 1)
            segments.append(record, ())
        except BaseException:
            segments.abandon()
            raise
        return segments

    # Reading

    def read(self) -> tuple[Found, ...]:
        """Return all sound records, in order."""
        found: list[Found] = []
        with _told(self._directory):
            for path in _paths(self._directory):
                segment = Segment(self.id, _number(path))
                records = list(segment.scan(path.read_bytes()))
                if records:
                    file = _File(path)
                    for one in records:
                        file.note(one.record)
                    self._files.append(file)
                    self._offset = records[-1].end
                found += records
        if found:
            self._sequence = found[-1].sequence
        return tuple(found)

    def resume(self) -> None:
        """Begin to append after what `read` found, and remove files of other logs."""
        assert self._files, "there is no record"
        self.remove_others()
        self._open(self._files[-1].path)

    def remove_others(self) -> None:
        """Remove all files that are not this log's, which is the one that counts."""
        with _told(self._directory):
            own = {file.path for file in self._files}
            others = [
                path
                for path in sorted(self._directory.iterdir())
                if path.suffix in _SUFFIXES and path not in own
            ]
            for path in others:
                _erase(path)
            if others:
                sync_directory(self._directory)

    # Writing

    def append(
        self, record: Record, positions: tuple[Position, ...], *, is_lazy: bool = False
    ) -> None:
        """Write a record, durably unless it is lazy.

        `positions` is how far the members are known to have been, for the first record of a file:
        the files before it may be removed.
        """
        if self._has_failed:
            raise StorageError(f"{self._directory}: an earlier write failed")
        if not self._is_synced:
            # Else a crash could leave this record without the one before.
            self._sync()
        sequence = self._sequence + 1
        data = self._segment.encode(record, self._offset, sequence)
        if self._offset + len(data) > self._capacity and self._offset:
            self._add_file(self._segment.number + 1)
        if not self._offset:
            record = msgspec.structs.replace(record, positions=record.positions or positions)
            data = self._segment.encode(record, 0, sequence)
        with _told(self._files[-1].path):
            _write(self._descriptor, data, self._offset)
        self._is_synced = False
        if not is_lazy:
            self._sync()
        self._offset += len(data)
        self._sequence = sequence
        self._files[-1].note(record)

    def drop_before(self, first_index: int) -> bool:
        """Remove entries before an index from one file; return whether any are left."""
        for place, file in enumerate(self._files):
            if 0 < file.first_index < first_index or (place == 0 and self._is_spent(file)):
                if place == 0 and file.last_index < first_index and len(self._files) > 1:
                    self._remove_oldest()
                else:
                    self._rewrite(file, first_index)
                return True
        return False

    def close(self) -> None:
        """Close the file; repeated calls do nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def abandon(self) -> None:
        """Close and remove the files: the log never counted."""
        self.close()
        with contextlib.suppress(OSError):
            for file in self._files:
                _erase(file.path)

    def _is_spent(self, file: _File) -> bool:
        """Return whether the oldest file has no entries and is not appended to."""
        return not file.last_index and file is not self._files[-1]

    def _sync(self) -> None:
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._has_failed = True
            raise StorageError(f"{self._files[-1].path}: {error}") from error
        self._is_synced = True

    def _add_file(self, number: int) -> None:
        """Go on in a new file."""
        path = self._directory / f"{number:010d}{_SUFFIX}"
        try:
            with _told(path):
                _make(path, bytes(SEGMENT_BYTES))
                sync_directory(self._directory)
        except StorageError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        self._open(path)
        self._files.append(_File(path))
        self._offset = 0

    def _open(self, path: Path) -> None:
        with _told(path):
            descriptor = os.open(path, os.O_RDWR)
            self._capacity = os.fstat(descriptor).st_size
        self.close()
        self._descriptor = descriptor
        self._segment = Segment(self.id, _number(path))

    def _remove_oldest(self) -> None:
        with _told(self._files[0].path):
            _erase(self._files[0].path)
            sync_directory(self._directory)
        del self._files[0]

    def _rewrite(self, file: _File, first_index: int) -> None:
        """Replace a file by one without the entries before an index."""
        path = file.path
        segment = Segment(self.id, _number(path))
        new, old = path.with_suffix(".new"), path.with_suffix(".old")
        with _told(path):
            content = segment.without(path.read_bytes(), first_index)
            try:
                _make(new, content)
            except OSError:
                new.unlink(missing_ok=True)
                raise
            old.unlink(missing_ok=True)
            os.link(path, old)
            os.replace(new, path)
            sync_directory(self._directory)
            _erase(old)
        kept = _File(path)
        for found in segment.scan(content):
            kept.note(found.record)
        is_current = file is self._files[-1]
        self._files[self._files.index(file)] = kept
        if is_current:
            self._open(path)


def move_aside(directory: Path) -> Path | None:
    """Rename the directory of a damaged log; return its new name, or None if there was none.

    Raises:
        StorageError: it cannot be renamed.
    """
    if not directory.exists():
        return None
    number = 1
    while (aside := directory.with_name(f"{directory.name}.corrupt-{number}")).exists():
        number += 1
    with _told(directory):
        os.rename(directory, aside)
        sync_directory(directory.parent)
    return aside


def _paths(directory: Path) -> list[Path]:
    """Return the segments, the oldest first."""
    return sorted(path for path in directory.glob(f"*{_SUFFIX}") if path.stem.isdecimal())


def _number(path: Path) -> int:
    return int(path.stem)


def _make(path: Path, content: bytes) -> None:
    """Write a new file durably, but not its name."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(descriptor, content, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _erase(path: Path) -> None:
    """Overwrite a file, then remove it; one that has another name, too, is left under that."""
    if path.stat().st_nlink > 1:
        path.unlink()
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        _write(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()


def _write(descriptor: int, data: bytes, offset: int) -> None:
    written = os.pwrite(descriptor, data, offset)
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], offset + written)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn the system's errors into this package's."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise FullError(f"{path}: {error.strerror}") from error
        raise StorageError(f"{path}: {error}") from error
