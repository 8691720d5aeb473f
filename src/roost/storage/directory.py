"""A node's data directory: one process, one owner.

lock            locked by the process that uses the directory; contains its PID
identity.json   whose directory it is, its format, and whether it ever held a log
diverged-N      what it held before the node found out that the others do not share it

The format is the cluster's version (`chat.versions`) when the node last knew it: the log, snapshots
and history may need a program that speaks it. A directory of another format is refused before
anything in it is touched.

An empty log can mean two things. A node of a new cluster has promised nothing yet. A node of a
running cluster has lost what it promised, and must say so (`HardState.is_amnesiac`) before it takes
part again. `identity.json` records the difference from the first moment.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from roost.chat.versions import VERSION, VERSION_MIN
from roost.ops.files import replace_file
from roost.storage.errors import DirectoryError, FormatError, IdentityError, LockedError
from roost.storage.setting_aside import set_aside_if_ordered


class Identity(msgspec.Struct, frozen=True):
    """Whose data it is."""

    cluster: str
    node: str

    def __str__(self) -> str:
        return f"node {self.node!r} of cluster {self.cluster!r}"


class _Format(msgspec.Struct, frozen=True):
    """What `identity.json` has in all formats."""

    format: int


class _IdentityFile(msgspec.Struct, frozen=True):
    cluster: str
    node: str
    format: int
    log: Literal["founding", "joining", "kept"]
    """"kept" once a log was created: a missing one is lost from then on. Before that, whether the
    cluster was new when the directory was created."""


class DataDirectory:
    """An open data directory, locked against other processes until it is closed."""

    def __init__(self, path: Path, identity: Identity, descriptor: int) -> None:
        self.path = path
        self.identity = identity
        self._descriptor = descriptor
        self._log: Literal["founding", "joining", "kept"] = "joining"
        self._format = VERSION_MIN
        self.set_aside: Path | None = None
        """Where all data was moved when the directory was opened, if that was ordered."""

    @classmethod
    def open(
        cls, path: Path, identity: Identity, *, is_founding: bool, version_max: int = VERSION
    ) -> Self:
        """Lock the directory, create it if it is missing, and check whose it is.

        `is_founding` says that the cluster starts for the first time; it matters only for a new
        directory. `version_max` is the newest format that is wanted.

        Raises:
            DirectoryError: it is not a directory, or cannot be written to.
            FormatError: it has a format that this program, or `version_max`, does not allow.
            LockedError: another process uses it.
            IdentityError: it belongs to another node or cluster.
        """
        try:
            _check_format(path, version_max)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory = cls(path, identity, _lock(path))
            try:
                directory._identify(is_founding=is_founding)
                directory.set_aside = set_aside_if_ordered(path)
            except BaseException:
                directory.close()
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise DirectoryError(f"{path} cannot be the data directory: {reason}") from error
        return directory

    @property
    def may_start_empty(self) -> bool:
        """Whether an empty log is genuine, because the cluster is new."""
        return self._log == "founding"

    @property
    def had_log(self) -> bool:
        """Whether a log was ever created here."""
        return self._log == "kept"

    @property
    def format(self) -> int:
        """The cluster's version, as it is durably recorded here; any thread may ask."""
        return self._format

    def note_log_created(self) -> None:
        """Record durably that a missing log is lost from now on.

        Raises:
            DirectoryError: it cannot be written.
        """
        if self._log != "kept":
            try:
                self._write("kept")
            except OSError as error:
                raise DirectoryError(f"{self.path} cannot be written: {error}") from error

    def note_version(self, version: int) -> None:
        """Record durably that programs which do not speak a version cannot use this any more.

        Raises:
            OSError: it cannot be written.
        """
        if version > self._format:
            self._write(self._log, version)

    def _identify(self, *, is_founding: bool) -> None:
        file = self.path / "identity.json"
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            if (self.path / "log.db").exists():
                raise IdentityError(
                    self.path, "an unknown node (identity.json is missing)", str(self.identity)
                ) from None
            self._write("founding" if is_founding else "joining")
            return
        try:
            found = msgspec.json.decode(content, type=_IdentityFile)
        except msgspec.MsgspecError as error:
            raise IdentityError(
                self.path,
                f"an unknown node (identity.json is damaged: {error})",
                str(self.identity),
            ) from error
        owner = Identity(found.cluster, found.node)
        if owner != self.identity:
            raise IdentityError(self.path, str(owner), str(self.identity))
        self._log, self._format = found.log, found.format

    def _write(
        self, log: Literal["founding", "joining", "kept"], version: int | None = None
    ) -> None:
        identity, version = self.identity, version or self._format
        content = _IdentityFile(identity.cluster, identity.node, version, log)
        encoded = msgspec.json.encode(content) + b"\n"
        replace_file(self.path / "identity.json", encoded, mode=0o644, is_durable=True)
        self._log, self._format = log, version

    def close(self) -> None:
        """Unlock the directory."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _check_format(path: Path, version_max: int) -> None:
    """Raise FormatError for a directory that cannot be used, before anything is changed there."""
    try:
        found = msgspec.json.decode((path / "identity.json").read_bytes(), type=_Format).format
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        # There is none yet, or it is damaged, which is said later.
        return
    if not VERSION_MIN <= found <= version_max:
        raise FormatError(path, found, version_max)


def _lock(path: Path) -> int:
    """Take the lock, which ends with the process; return its descriptor.

    The file is never removed: another process could have it open.
    """
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = 0
        with contextlib.suppress(ValueError):
            pid = int(os.read(descriptor, 20))
        os.close(descriptor)
        raise LockedError(path, pid) from None
    except BaseException:
        os.close(descriptor)
        raise
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
