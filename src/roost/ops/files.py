"""Write files atomically: a reader finds the old content or the new, never a part of one."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path


def replace_file(
    path: Path, content: bytes, *, mode: int = 0o600, is_durable: bool = False
) -> None:
    """Write a file, in place of an older one if there is one.

    A replaced file keeps its permissions. A new one gets `mode`, less what the umask takes away.
    With `is_durable`, the content survives a power failure from the moment this returns.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    is_there = path.exists()
    if is_there:
        mode = stat.S_IMODE(path.stat().st_mode)
    with _temporary_file(path, content, mode, is_durable=is_durable) as temporary:
        if is_there:
            temporary.chmod(mode)  # the umask may have taken some of it away
        os.replace(temporary, path)
    if is_durable:
        sync_directory(path.parent)


def create_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file durably, unless there is one: then nothing happens, even in a race.

    Raises:
        OSError: it cannot be written.
    """
    with _temporary_file(path, content, mode, is_durable=True) as temporary:
        # Unlike a renaming, a link never overwrites.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        os.unlink(temporary)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make created, renamed and removed names in a directory durable.

    Raises:
        OSError: it failed.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _temporary_file(path: Path, content: bytes, mode: int, *, is_durable: bool) -> Iterator[Path]:
    """Write a file beside `path`, and remove it when that or the block fails."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if is_durable:
                file.flush()
                os.fsync(descriptor)
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
