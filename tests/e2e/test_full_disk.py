"""A node with a full disk reports it, confirms nothing, and recovers when there is space."""

import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from support.cluster import Cluster
from support.irc_client import IrcClient

CHUNK = "q" * 380


class Disk:
    """A way to fill a node's disk and to free space again."""

    def __init__(self, fill: Callable[[Cluster], None], clear: Callable[[Cluster], None]) -> None:
        self.fill = fill
        self.clear = clear


@contextmanager
def _limited_files(cluster: Cluster) -> Iterator[Disk]:
    """Limit the size of the files of a node to that of its log; this needs no privileges."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(cluster: Cluster) -> None:
        (segment,) = (cluster.data / "n2" / "data" / "log").iterdir()
        # The zeros behind the records were written when there was room, and what the node says
        # goes to a file, too.
        used = len(segment.read_bytes().rstrip(b"\0"))
        size = max(used, len(cluster.log()) + 16 * 1024)
        resource.prlimit(cluster.node("n2").pid, resource.RLIMIT_FSIZE, (size, limit[1]))

    def clear(cluster: Cluster) -> None:
        resource.prlimit(cluster.node("n2").pid, resource.RLIMIT_FSIZE, limit)

    yield Disk(fill, clear)


@contextmanager
def _small_file_system(cluster: Cluster) -> Iterator[Disk]:
    """Put the data of a node on a small file system, and fill that with a file."""
    data = cluster.data / "n2" / "data"
    filler = data / "filler"
    cluster.stop()
    kept = data.with_name("kept")
    data.rename(kept)
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "roost", data], check=True)
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", f"{data}/"], check=True)
        cluster.start()

        def fill(_cluster: Cluster) -> None:
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * 4096)
                except OSError:
                    pass

        def clear(_cluster: Cluster) -> None:
            filler.unlink()

        yield Disk(fill, clear)
    finally:
        cluster.stop()
        subprocess.run(["umount", data], check=True)


def _can_mount() -> bool:
    """Return whether this process may mount a file system."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "roost", folder]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


WAYS = [_limited_files, *([_small_file_system] if _can_mount() else [])]


def _client_elsewhere(cluster: Cluster, stack: ExitStack, nick: str) -> IrcClient:
    """Connect a client that n2 does not serve."""
    for number in range(40):
        client, node = cluster.client_on_new_node(f"{nick}{number}")
        stack.callback(client.close)
        if node != "n2":
            return client
    raise AssertionError("everybody is served by n2")


@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_said_and_survived(
    way: Callable[[Cluster], object], start_cluster: Callable[..., Cluster]
) -> None:
    cluster = start_cluster()
    with ExitStack() as stack:
        disk: Disk = stack.enter_context(way(cluster))  # type: ignore[arg-type]
        writer = _client_elsewhere(cluster, stack, "writer")
        writer.join("#disk")
        writer.say("#disk", "there is room")
        disk.fill(cluster)
        for count in range(400):
            # The others are a majority, so the conversation continues.
            writer.say("#disk", f"{count} {CHUNK}")
            if cluster.node("n2").state == "disk":
                break
        node = cluster.node("n2")
        assert node.state == "disk"
        assert node.reason
        assert '"disk-failed"' in cluster.log()
        pid = node.pid
        writer.say("#disk", "without n2")

        disk.clear(cluster)
        cluster.wait_for(
            lambda status: all(node.state == "ready" for node in status.nodes), "recovery"
        )
        assert cluster.node("n2").pid == pid
        writer.say("#disk", "with n2 again")
        cluster.wait_whole()
        texts: dict[str, list[str]] = {}
        for number in range(40):
            reader, served_by = cluster.client_on_new_node(f"reader{number}")
            stack.callback(reader.close)
            reader.join("#disk")
            # Events count as well, and each reader joins.
            lines = reader.history("LATEST #disk * 100")
            texts[served_by] = [line.text for line in lines if line.command == "PRIVMSG"][-40:]
            if len(texts) == 3:
                break
        assert texts["n1"] == texts["n2"] == texts["n3"]
        assert texts["n2"][-2:] == ["without n2", "with n2 again"]
