"""What people are told when the log in etcd cannot be used: a state in one word, and what to do."""

FULL = (
    "log-full",
    "etcd has no space left: compact it, defragment it, and run 'etcdctl alarm disarm'",
)
OTHER = (
    "log-foreign",
    "another etcd cluster answers than before: check [log] endpoints, then restart the node",
)


def denied(reason: str) -> tuple[str, str]:
    """Return the fault of a node that etcd does not let in."""
    what = f"etcd refuses this node ({reason}): check [log] certificates and etcd's permissions"
    return "log-denied", what


def unavailable(reason: str) -> tuple[str, str]:
    """Return the fault of a node that gets no answers."""
    why = f" ({reason})" if reason else ""
    what = f"no majority of etcd answers{why}: check that etcd runs, and [log] endpoints"
    return "log-unavailable", what


def foreign(prefix: str, owner: str, cluster: str) -> tuple[str, str]:
    """Return the fault of a prefix that is another cluster's."""
    what = f"the keys under {prefix} in etcd belong to {owner}, not to {cluster!r}"
    return "log-foreign", f"{what}: choose another [log] prefix"


def outdated(version: int, versions: tuple[int, int]) -> tuple[str, str]:
    """Return the fault of a log that this node cannot read."""
    speaks = " to ".join(map(str, dict.fromkeys(versions)))
    return "outdated", (
        f"the cluster is at version {version}, and this node speaks {speaks}: upgrade Roost on "
        "this node, as docs/upgrading.md says"
    )


def damaged(reason: str) -> tuple[str, str]:
    """Return the fault of data that cannot be right."""
    return "log-damaged", f"etcd's data is damaged, {reason}: restore a backup of etcd"


def superseded(node: str) -> tuple[str, str]:
    """Return the fault of a node that runs twice."""
    what = f"another process runs as {node!r} since: stop one of them, and restart the other"
    return "log-superseded", what


def set_back(where: str, prefix: str, epoch: int) -> tuple[str, str]:
    """Return the fault of a store that was replaced by an older copy of itself."""
    what = (
        f"etcd was set back to an older state: it is {where}. Restore a newer backup. Or, to go"
        f" on without what came later, run 'etcdctl put {prefix}epoch {epoch + 1}' and restart"
        " the nodes"
    )
    return "log-set-back", what
