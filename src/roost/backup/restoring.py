"""Makes the data of a new cluster's nodes from a backup.

    state + history --> data directory of one node --copied--> those of the others

All nodes get the same snapshot, which says who votes, and the same history. None has a vote or an
entry that another one lacks, so any majority of them can go on from there. The directory gets its
name last: one that was cut short is not taken for a node's.
"""

import shutil
from pathlib import Path

from roost.backup.errors import BackupError
from roost.backup.manifest import Manifest
from roost.backup.repository import Repository
from roost.backup.verifying import load_state, rows_of
from roost.chat.history import Held
from roost.chat.nodes import resettle
from roost.chat.snapshot import encode_state
from roost.ops.files import sync_directory
from roost.raft.messages import Configuration, HardState, Persist, Snapshot
from roost.storage import DataDirectory, HistoryStore, Identity, LogStore

TERM_STEP = 1_000
"""How far the term rises: above any that the former cluster can have reached after the backup, in
case that somebody starts one of its disks with the new cluster's certificates."""
UNFINISHED = ".restoring"
_OWN_FILES = ("lock", "identity.json")
"""Files of a data directory that are not copied to another node's."""


def restore_node(
    repository: Repository,
    manifest: Manifest,
    data: Path,
    identity: Identity,
    members: tuple[str, ...],
) -> None:
    """Make the data directory of a node; `members` are the nodes of the new cluster.

    Raises:
        BackupError: there is something in the directory.
        DamagedError: the backup cannot be read.
        StorageError: the disk cannot be written.
    """
    target = _begin(data)
    state = load_state(repository, manifest)
    resettle(state, members)
    voters = members[: state.settings.voters_max]
    with DataDirectory.open(target, identity, is_founding=True) as directory:
        _write_history(directory, repository, manifest)
        log = LogStore(directory)
        try:
            log.load()
            position = manifest.position
            term = max(1, manifest.term_at(position))
            configuration = Configuration(voters, members[len(voters) :])
            snapshot = Snapshot(
                position, term, manifest.time_ms, encode_state(state), configuration
            )
            persist = Persist(
                number=1,
                hard_state=HardState(term=term + TERM_STEP),
                snapshot=snapshot,
                entries=(),
                messages=(),
            )
            log.write([persist])
        finally:
            log.close()
    _end(target, data)


def copy_node(source: Path, data: Path, identity: Identity) -> None:
    """Make the data directory of another node of the same new cluster.

    Raises:
        BackupError: there is something in the directory, or it cannot be written.
        StorageError: the disk cannot be written.
    """
    target = _begin(data)
    with DataDirectory.open(target, identity, is_founding=True) as directory:
        for file in source.iterdir():
            if file.name not in _OWN_FILES:
                shutil.copyfile(file, target / file.name)
                (target / file.name).chmod(0o600)
        directory.note_log_created()
    _end(target, data)


def _write_history(directory: DataDirectory, repository: Repository, manifest: Manifest) -> None:
    history = HistoryStore(directory)
    try:
        for block in rows_of(repository, manifest):
            rows = [row for row in block if row.position >= manifest.first]
            if rows:
                history.write(rows, rows[-1].position)
        history.write((), manifest.position, manifest.terms)
        if manifest.first > 1:
            history.hold_from(Held(manifest.first, manifest.first_ms))
        for hole in manifest.holes:
            history.note_hole(hole)
        history.sync()
    finally:
        history.close()


def _begin(data: Path) -> Path:
    """Return an empty directory to fill."""
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BackupError(
            f"{data} is not empty: a backup is only restored into an empty directory. If nothing "
            "there is needed any more, move it away first"
        )
    target = data.with_name(data.name + UNFINISHED)
    try:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def _end(target: Path, data: Path) -> None:
    if data.exists():
        data.rmdir()
    target.rename(data)
    sync_directory(data.parent)
