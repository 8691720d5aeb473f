"""`roost recover`: bring a cluster back from one surviving node.

It changes only the node's own data directory, and only after it has said what may be lost.
"""

import datetime as dt
import sys
from pathlib import Path

import msgspec

from roost.cli.cluster import CLUSTER_FILE, ClusterDirectory
from roost.cli.configuration import read_config
from roost.cli.errors import CommandError, UsageError
from roost.node.config import NodeConfig
from roost.node.errors import StartError
from roost.node.survivor import Survey, open_survivor
from roost.storage import StorageError


def recover(file: Path, *, is_confirmed: bool) -> None:
    """Say what one node's data directory holds, and make the node a cluster of its own.

    Unless `is_confirmed`, a person at a terminal must type the node's name first.

    Raises:
        UsageError: the directory cannot be used, or nobody confirmed.
        CommandError: the disk cannot be written.
    """
    config = read_config(NodeConfig, file)
    if config.log.engine != "embedded":
        raise UsageError(f"{file}: the log is in etcd, and only etcd's own tools can bring it back")
    try:
        with open_survivor(config.data, config.cluster, config.name, config.members) as survivor:
            survey = survivor.survey()
            if not survey.others and survey.voters == (config.name,):
                raise UsageError(f"{config.name} is the only node of the cluster already")
            print(describe(config.name, config.cluster, survey))
            _confirm(config.name, is_confirmed=is_confirmed)
            survivor.recover()
    except StartError as error:
        raise UsageError(f"{config.name}: {error}") from error
    except StorageError as error:
        raise CommandError(f"{config.name}: {error}") from error
    _forget_others(file, config.name)
    print(
        f"{config.name} is now the only node of {config.cluster}. Start it as usual, look at what "
        "is there, and then add nodes."
    )


def _forget_others(file: Path, name: str) -> None:
    """If this is a directory of `roost up`, have it start no other node."""
    folder = file.absolute().parent.parent
    if (folder / CLUSTER_FILE).exists():
        with ClusterDirectory(folder) as directory:
            cluster = directory.open(None)
            directory.write(msgspec.structs.replace(cluster, nodes=(name,), joining=()))


def describe(name: str, cluster: str, survey: Survey) -> str:
    """Return what will happen, and what may be lost."""
    when = dt.datetime.fromtimestamp(survey.time_ms / 1000, dt.UTC)
    end = f"{survey.position} of {when:%Y-%m-%d %H:%M:%S} UTC"
    lines = [
        f"The log of {name} in {cluster} ends with entry {end}.",
        "Whatever the other nodes confirmed after that is lost.",
        "What this node has and never saw confirmed will count.",
    ]
    lines += [f"Known to be lost: {more} entries that {other} had." for other, more in survey.ahead]
    lines += [f"Damage was found: {finding}." for finding in survey.findings]
    if survey.others:
        lines += [
            f"These nodes will not belong to the cluster any more: {', '.join(survey.others)}.",
            "Never start them again with the data that they have: delete it first.",
        ]
    voters = ", ".join(survey.voters)
    lines.append(f"If most of the voters ({voters}) can still start, start them: nothing is lost.")
    return "\n".join(lines)


def _confirm(name: str, *, is_confirmed: bool) -> None:
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing was changed: give --yes if this is what you want")
    if input(f"Type {name} to go on: ").strip() != name:
        raise UsageError("nothing was changed")
