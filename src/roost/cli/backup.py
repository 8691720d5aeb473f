"""`roost backup`: copies the state and the history of a running node into a directory of backups.

    running node -- its socket --> new rows, state --> DEST

The first backup holds everything; a later one adds what has happened since, and names the files of
earlier ones for the rest. Certificates, keys and configuration files are in none of them.
"""

import datetime as dt
from pathlib import Path

from roost.backup import BackupError, Draft, Manifest, Repository, check, open_repository
from roost.backup.manifest import FileEntry
from roost.chat.holes import Hole, holes_from
from roost.chat.ids import Position
from roost.cli.cluster import why
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import BackupFlags
from roost.cli.local_node import Copy, LocalLine, LocalNode, copying, with_first_node
from roost.node.engine.terms import UNKNOWN_TERM
from roost.ops import clock
from roost.protocol.local import CopyHead

_NO_FILE = FileEntry("", 0, "")


def backup(destination: Path, flags: BackupFlags) -> None:
    """Make a backup, or only check those that are there.

    Raises:
        UsageError: the directory or the flags cannot be used.
        CommandError: there is no node that can be copied, a file is damaged, or the disk is full.
    """
    if flags.keep is not None and flags.keep < 1:
        raise UsageError("--keep must be 1 or more")
    try:
        if flags.is_verifying:
            _verify(open_repository(destination))
        else:
            _backup(destination, flags)
    except BackupError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{destination} cannot be written: {why(error)}") from error


def _verify(repository: Repository) -> None:
    backups = repository.backups()
    if not backups:
        raise UsageError(f"{repository.path} holds no complete backup")
    print(f"Backups of the cluster {repository.cluster}:")
    problems = []
    for manifest in backups:
        try:
            checked = check(repository, manifest)
        except BackupError as error:
            problems.append(str(error))
            print(f"  {manifest.position}  {when(manifest.time_ms)}  DAMAGED")
            continue
        print(
            f"  {manifest.position}  {when(manifest.time_ms)}  sound: {checked.rows} rows, "
            f"{manifest.accounts} accounts, {manifest.rooms} rooms, {size(checked.bytes)} in "
            f"{checked.files} files"
        )
    if problems:
        raise CommandError("\n".join(problems))


def _backup(destination: Path, flags: BackupFlags) -> None:
    with_first_node(flags, lambda node: _copy(node, destination, flags))


def _copy(node: LocalNode, destination: Path, flags: BackupFlags) -> None:
    """Copy one node."""
    # What is asked for depends on what is there, and what is there on whose it is.
    LocalLine(node).close()
    repository = open_repository(destination, read_cluster(node))
    with repository.locked():
        repository.sweep()
        former = _former(repository, is_full=flags.is_full)
        after = former.position if former is not None else Position(0)
        with copying(node, after) as copy:
            check_past(repository, copy.head, former)
            if former is not None and former.position == copy.head.position:
                print(f"Nothing has changed since the backup of {when(former.time_ms)}.")
            else:
                _tell(repository, _receive(repository, copy, former), former)
        if flags.keep is not None and (gone := repository.keep(flags.keep)):
            print(f"Removed {gone} older {'backup' if gone == 1 else 'backups'}.")


def read_cluster(node: LocalNode) -> str:
    """Return whose data a node's directory has.

    Raises:
        UsageError: it does not say.
    """
    import msgspec

    try:
        content = (node.data / "identity.json").read_bytes()
        return str(msgspec.json.decode(content, type=dict[str, str | int])["cluster"])
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        raise UsageError(f"{node.data} is not a node's data directory: {error}") from error


def _former(repository: Repository, *, is_full: bool) -> Manifest | None:
    """Return the backup to go on from."""
    backups = repository.backups()
    if not backups or is_full:
        return None
    repository.check_sizes(backups[-1])
    return backups[-1]


def check_past(repository: Repository, head: CopyHead, former: Manifest | None) -> None:
    """Refuse to go on from a backup that is not the past of what is sent."""
    if former is None:
        return
    mine = max((begin for begin in head.terms if begin[0] <= former.position), default=(0, 0))[1]
    theirs = former.term_at(former.position)
    is_other = UNKNOWN_TERM not in (mine, theirs) and mine != theirs
    if former.position > head.position or is_other:
        raise UsageError(
            f"{repository.path} has a backup of position {former.position} that does not belong to "
            f"the past of {head.node}, which is at {head.position}: the cluster was set back, or "
            "the node has not caught up. Use another directory, or wait"
        )
    if head.first > former.position + 1:
        raise UsageError(
            f"{head.node} holds no history between the last backup ({former.position}) and "
            f"{head.first}: copy a node that does, or make a full backup of what there is (--full)"
        )


def _receive(repository: Repository, copy: Copy, former: Manifest | None) -> Manifest:
    """Write what a node sends; return the backup."""
    after = former.position if former is not None else Position(0)
    first = Position(max(after + 1, copy.head.first))
    with Draft(repository, former, first) as draft:
        draft.add_state(copy.state)
        for rows in copy.rows:
            draft.add_rows(rows, copy.covered)
        return draft.finish(manifest_of(copy.head, former))


def _holes(head: CopyHead, former: Manifest | None) -> tuple[Hole, ...]:
    """Return what a backup lacks that has only the newer rows from this node.

    The node may have got meanwhile what the former backup lacks, or never had what that has.
    """
    if former is None:
        return head.holes
    return (*former.holes, *holes_from(head.holes, Position(former.position + 1)))


def manifest_of(head: CopyHead, former: Manifest | None) -> Manifest:
    """Return what is known of a backup before its files are complete."""
    return Manifest(
        cluster=head.cluster,
        node=head.node,
        version=head.version,
        made_ms=clock.now().wall_ms,
        position=head.position,
        time_ms=head.time_ms,
        terms=head.terms,
        first=head.first if former is None else former.first,
        first_ms=head.first_ms if former is None else former.first_ms,
        holes=_holes(head, former),
        has_archive=head.has_archive,
        accounts=0,
        rooms=0,
        state=_NO_FILE,
        segments=(),
    )


def _tell(repository: Repository, made: Manifest, former: Manifest | None) -> None:
    known = former.files if former is not None else ()
    new = sum(file.bytes for file in made.files if file not in known)
    added = made.rows - (former.rows if former is not None else 0)
    print(
        f"Backup {made.position} of {made.cluster}, as it was at {when(made.time_ms)}, from "
        f"{made.node}: {added} new rows of history ({made.rows} in all), {made.accounts} accounts, "
        f"{made.rooms} rooms; {size(new)} written to {repository.path}."
    )
    if made.first > 1:
        print(
            f"It begins after {when(made.first_ms)}: {made.node} holds no older history. "
            + (
                "PostgreSQL has that: back it up with pg_dump."
                if made.has_archive
                else "If another node does, copy that one (--node)."
            )
        )


def when(time_ms: int) -> str:
    """Return a time for people."""
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def size(count: int) -> str:
    """Return a number of bytes for people."""
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
