"""Moves a node's data aside, without deleting any of it, so that it starts as one without a disk.

    diverged.json    says why, and where to; written first, and moved along last
    diverged-N/      what the node had: its log, its history, the search index

A node does that if its committed entries are not those of the other nodes. A crash in between is
harmless: the next start goes on where this one stopped.
"""

import os
from pathlib import Path

import msgspec

from roost.ops.files import replace_file, sync_directory

_ORDER = "diverged.json"
_FILES = (
    "log",
    "log.witness",
    *(
        f"{name}.db{suffix}"
        for name in ("log", "history", "search")
        for suffix in ("-wal", "-shm", "-journal", "")
    ),
)


class _Order(msgspec.Struct, frozen=True):
    directory: str
    reason: str


def order_setting_aside(data: Path, reason: str) -> Path:
    """Have the next start move the data aside; return the directory that will have it.

    Raises:
        OSError: that cannot be written.
    """
    number = 1
    while (target := data / f"diverged-{number}").exists():
        number += 1
    order = msgspec.json.encode(_Order(target.name, reason)) + b"\n"
    replace_file(data / _ORDER, order, is_durable=True)
    return target


def set_aside_if_ordered(data: Path) -> Path | None:
    """Move what is to be moved; return where it is now, or None if there was nothing to do.

    Raises:
        OSError: it cannot be moved.
    """
    order = data / _ORDER
    try:
        content = order.read_bytes()
    except FileNotFoundError:
        return None
    try:
        target = data / Path(msgspec.json.decode(content, type=_Order).directory).name
    except msgspec.MsgspecError as error:
        raise OSError(f"{order} is damaged: {error}") from error
    target.mkdir(mode=0o700, exist_ok=True)
    sync_directory(data)
    for name in _FILES:
        if (data / name).exists():
            os.rename(data / name, target / name)
    sync_directory(target)
    sync_directory(data)
    os.rename(order, target / _ORDER)
    sync_directory(target)
    sync_directory(data)
    return target


def kept_aside(data: Path) -> tuple[Path, ...]:
    """Return the directories with data that was moved aside, the oldest first."""
    found = (path for path in data.glob("diverged-*") if path.name[9:].isdecimal())
    return tuple(sorted(found, key=lambda path: int(path.name[9:])))
