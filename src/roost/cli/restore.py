"""`roost restore`: makes the data of a new cluster's nodes from a backup.

    --data DIR       all nodes of a cluster: a new one for `roost up`, or one that `roost init` made
    --config FILE    one node of a cluster that `roost init` made; repeat it on every machine

Nothing that exists is written over. The new cluster has new certificates.
"""

from pathlib import Path

import msgspec

from roost.backup import (
    BackupError,
    Manifest,
    Repository,
    check,
    copy_node,
    open_repository,
    restore_node,
)
from roost.chat.nodes import NODES_MAX
from roost.cli.backup import when
from roost.cli.cluster import CLUSTER_FILE, DATA_FOLDER, ClusterDirectory, why
from roost.cli.configuration import read_config
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import RestoreFlags
from roost.node.config import NodeConfig
from roost.storage import Identity, StorageError


def restore(source: Path, flags: RestoreFlags) -> None:
    """Restore a backup.

    Raises:
        UsageError: the backup or the directory cannot be used.
        CommandError: the disk cannot be written.
    """
    if (flags.data is None) == (flags.config is None):
        raise UsageError("give --data for a whole cluster, or --config for one node")
    if flags.config is not None and flags.nodes is not None:
        raise UsageError("--nodes belongs to --data: --config names one node")
    try:
        repository = open_repository(source)
        manifest = repository.newest(flags.position)
        check(repository, manifest)
        if flags.config is not None:
            _restore_one(repository, manifest, flags.config)
        else:
            assert flags.data is not None
            _restore_all(repository, manifest, flags.data, flags.nodes)
    except BackupError as error:
        raise UsageError(str(error)) from error
    except StorageError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"the disk cannot be written: {why(error)}") from error


def _restore_one(repository: Repository, manifest: Manifest, file: Path) -> None:
    config = read_config(NodeConfig, file)
    if config.log.engine != "embedded":
        raise UsageError(f"{file}: a backup can only be restored to nodes that keep the log (etcd)")
    identity = Identity(config.cluster, config.name)
    restore_node(repository, manifest, config.data, identity, config.members)
    others = ", ".join(name for name in config.members if name != config.name)
    print(_told(manifest, config.data))
    if others:
        print(f"Restore the same backup to {others} before you start any of them.")
    print(f"Then start it, without --is-founding: roost node --config {file}")


def _restore_all(repository: Repository, manifest: Manifest, data: Path, nodes: int | None) -> None:
    is_new = not (data / CLUSTER_FILE).exists()
    if is_new and data.exists() and any(data.iterdir()):
        raise UsageError(f"{data} is not empty, and not a cluster's directory: choose another one")
    if nodes is not None and not 1 <= nodes <= NODES_MAX:
        raise UsageError(f"--nodes must be from 1 to {NODES_MAX}, not {nodes}")
    with ClusterDirectory(data) as directory:
        cluster = directory.open(nodes if is_new else None)
        members = cluster.members
        if nodes is not None and nodes != len(members):
            raise UsageError(f"{data} has {len(members)} nodes, not {nodes}: leave out --nodes")
        places = {name: directory.path / name / DATA_FOLDER for name in members}
        for place in places.values():
            if place.exists() and any(place.iterdir()):
                raise BackupError(
                    f"{place} is not empty: a backup is only restored into a new cluster. If "
                    "nothing there is needed any more, move it away first"
                )
        first, *rest = members
        identity = Identity(cluster.cluster, first)
        restore_node(repository, manifest, places[first], identity, members)
        for name in rest:
            copy_node(places[first], places[name], Identity(cluster.cluster, name))
        directory.write(msgspec.structs.replace(cluster, is_founded=True))
    print(_told(manifest, data))
    start = f"roost up --data {data}" if is_new else "start its processes without --is-founding"
    print(f"The new cluster is {cluster.cluster}, with {', '.join(members)}. Next: {start}")


def _told(manifest: Manifest, place: Path) -> str:
    older = ""
    if manifest.first > 1:
        older = f" History before {when(manifest.first_ms)} is not in the backup."
    return (
        f"Restored to {place}: {manifest.cluster} as it was at {when(manifest.time_ms)}, with "
        f"{manifest.accounts} accounts, {manifest.rooms} rooms and {manifest.rows} rows of history."
        f"{older}"
    )
