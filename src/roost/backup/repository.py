"""A directory of backups of one cluster: finds them, adds one, and removes old ones.

Only one process at a time adds or removes; any number may read.
"""

import contextlib
import fcntl
import itertools
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from roost.backup.errors import BackupError, DamagedError, ForeignError
from roost.backup.manifest import (
    FORMAT,
    Manifest,
    Segment,
    check_format,
    encode_manifest,
    name_of,
    read_manifest,
)
from roost.backup.segments import LEVEL, FileWriter
from roost.chat.history import Row
from roost.chat.ids import Position
from roost.chat.snapshot import SnapshotError, decode_state
from roost.ops.files import replace_file, sync_directory

MARKER = "roost-backups.json"
UNFINISHED = ".part"
"""How the names of files end that do not belong to a backup yet."""


class _Marker(msgspec.Struct, frozen=True):
    """The content of the file that makes a directory one of backups."""

    format: int
    cluster: str


class Repository:
    """An existing directory of backups."""

    def __init__(self, path: Path, cluster: str) -> None:
        self.path = path
        self.cluster = cluster
        """The cluster whose backups are here."""

    def backups(self) -> tuple[Manifest, ...]:
        """Return the backups, the oldest first.

        Raises:
            DamagedError: one of them cannot be read.
            ForeignError: one of them has an unknown format.
        """
        found = [read_manifest(path) for path in sorted(self.path.glob("[0-9]*.json"))]
        for manifest in found:
            if manifest.cluster != self.cluster:
                raise ForeignError(
                    f"{self.path / name_of(manifest.position)} is of the cluster "
                    f"{manifest.cluster}, but {self.path} has backups of {self.cluster}"
                )
        return tuple(sorted(found, key=lambda manifest: manifest.position))

    def newest(self, position: int | None = None) -> Manifest:
        """Return the backup at a position, or the newest one.

        Raises:
            BackupError: there is none.
        """
        backups = self.backups()
        if not backups:
            raise BackupError(f"{self.path} holds no complete backup")
        if position is None:
            return backups[-1]
        for manifest in backups:
            if manifest.position == position:
                return manifest
        known = ", ".join(str(manifest.position) for manifest in backups)
        raise BackupError(f"{self.path} holds no backup {position}, only {known}")

    def check_sizes(self, manifest: Manifest) -> None:
        """Check that all files of a backup are there and whole, as far as their sizes tell.

        Raises:
            DamagedError: one is not.
        """
        for file in manifest.files:
            path = self.path / file.name
            try:
                size = path.stat().st_size
            except OSError as error:
                raise DamagedError(f"{path} cannot be read: {error.strerror or error}") from error
            if size != file.bytes:
                raise DamagedError(f"{path} has {size} bytes instead of {file.bytes}")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing here while the context lasts.

        Raises:
            BackupError: one is doing so.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"another process is writing to {self.path}") from None
            yield
        finally:
            os.close(descriptor)

    def keep(self, count: int) -> int:
        """Remove all but the newest `count` backups, and files that none needs; return how many.

        Hold the lock.
        """
        backups = self.backups()
        removed = backups[: max(0, len(backups) - count)]
        for manifest in removed:
            (self.path / name_of(manifest.position)).unlink()
        self.sweep()
        return len(removed)

    def sweep(self) -> None:
        """Remove files that no backup needs, such as those of one that was cut short."""
        needed = {file.name for manifest in self.backups() for file in manifest.files}
        for pattern in ("*.rows", "*.state", f"*{UNFINISHED}"):
            for path in self.path.glob(pattern):
                if path.name not in needed:
                    path.unlink()
        sync_directory(self.path)


def open_repository(path: Path, cluster: str = "") -> Repository:
    """Open a directory of backups; create one for `cluster` if that is given and nothing is there.

    Raises:
        BackupError: it is something else, or cannot be used.
        ForeignError: it has backups of another cluster, or an unknown format.
    """
    marker = path / MARKER
    try:
        if cluster and (not path.exists() or not any(path.iterdir())):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = msgspec.json.encode(_Marker(FORMAT, cluster)) + b"\n"
            replace_file(marker, content, is_durable=True)
        found = msgspec.json.decode(marker.read_bytes(), type=_Marker)
    except (FileNotFoundError, NotADirectoryError, FileExistsError):
        raise BackupError(
            f"{path} is not a directory of backups: {MARKER} is missing"
            + (". Give an empty directory, or one that does not exist" if cluster else "")
        ) from None
    except OSError as error:
        raise BackupError(f"{path} cannot be used: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise DamagedError(f"{marker} is damaged: {error}") from error
    check_format(marker, found.format)
    if cluster and found.cluster != cluster:
        raise ForeignError(
            f"{path} has backups of the cluster {found.cluster}, not of {cluster}: use another "
            "directory"
        )
    return Repository(path, found.cluster)


class Draft:
    """A backup that is being made; a context manager that removes its files unless it is finished.

    Give it all rows in order, then the state, then call `finish`.
    """

    def __init__(self, repository: Repository, former: Manifest | None, first: Position) -> None:
        """Go on from a `former` backup, or from nothing; `first` is the first position to come."""
        self._repository = repository
        self._former = former
        self._first = first
        self._covered = Position(first - 1)
        self._rows = 0
        self._path = repository.path / f"{first:012}{UNFINISHED}"
        self._state_path = repository.path / f"{first:012}.state{UNFINISHED}"
        self._writer = FileWriter(self._path)
        self._state = FileWriter(self._state_path)
        self._compress = zlib.compressobj(LEVEL)
        self._data: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()
        self._state.close()
        for path in (self._path, self._state_path):
            path.unlink(missing_ok=True)

    @property
    def covered(self) -> Position:
        """The last position whose rows were added."""
        return self._covered

    def add_rows(self, rows: Sequence[Row], covered: Position) -> None:
        """Add the rows of the next positions, up to `covered`."""
        if rows:
            self._writer.write_rows(rows)
            self._rows += len(rows)
        self._covered = covered

    def add_state(self, data: bytes) -> None:
        """Add a part of the encoded state."""
        self._data.append(data)
        self._state.write(self._compress.compress(data))

    def _free(self, stem: str, suffix: str) -> str:
        """Return a name that no file has: those of other backups never change."""
        names = itertools.chain(
            [f"{stem}{suffix}"], (f"{stem}-{number}{suffix}" for number in itertools.count(2))
        )
        return next(name for name in names if not (self._repository.path / name).exists())

    def finish(self, manifest: Manifest) -> Manifest:
        """Complete the backup, durably; return `manifest` with its files.

        Raises:
            BackupError: what was added is not a backup of that position.
            OSError: a file cannot be written.
        """
        position = manifest.position
        if self._covered < position:
            raise BackupError(f"the copy ended at {self._covered}, before {position}")
        try:
            state = decode_state(b"".join(self._data))
        except SnapshotError as error:
            raise BackupError(f"the state that was sent cannot be read: {error}") from error
        if state.position != position:
            raise BackupError(f"the state that was sent is of {state.position}, not {position}")
        self._state.write(self._compress.flush())
        directory = self._repository.path
        segments = [] if self._former is None else list(self._former.segments)
        if self._rows:
            file = self._writer.finish(self._free(f"{self._first:012}-{position:012}", ".rows"))
            segments.append(Segment(self._first, position, self._rows, file))
            os.replace(self._path, directory / file.name)
        written = self._state.finish(self._free(f"{position:012}", ".state"))
        os.replace(self._state_path, directory / written.name)
        made = msgspec.structs.replace(
            manifest,
            accounts=len(state.accounts),
            rooms=len(state.rooms),
            state=written,
            segments=tuple(segments),
        )
        sync_directory(directory)
        replace_file(directory / name_of(position), encode_manifest(made), is_durable=True)
        return made
