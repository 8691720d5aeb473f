"""Earlier releases: their sources, and a data directory that each wrote.

`tests/releases/N` has what speaks version N of the cluster and nothing newer:

    source.tar.xz    the package `roost` of that release, without the client
    data.tar.xz      the data of a `roost up` with three nodes, which that release has stopped

`make_data` made the data, with a copy of the release that makes snapshots every 200 entries:

    python -m support.releases SOURCE_DIRECTORY NEW_DIRECTORY
"""

import compileall
import json
import sys
import tarfile
from contextlib import ExitStack
from pathlib import Path

import roost
from support.cluster import Cluster
from support.irc_accounts import PASSWORD, log_in, make_account
from support.irc_client import IrcClient

RELEASES = Path(__file__).parents[1] / "releases"
TALES = [f"tale {number}" for number in range(1, 201)]
"""What was said in #lore, in the data of each release."""

_CUSTOMIZE = """\
import os, sys
sys.path.insert(0, os.path.realpath({current!r}))
"""


def unpack(version: int, what: str, directory: Path) -> Path:
    """Unpack `source` or `data` of a release into a directory; return it."""
    with tarfile.open(RELEASES / str(version) / f"{what}.tar.xz") as archive:
        archive.extractall(directory, filter="data")
    return directory


class Installation:
    """The package `roost` as processes find it that start from now on.

    A process keeps the release that it has started with, as after an upgrade in place.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._current = directory / "current"
        boot = directory / "boot"
        boot.mkdir(parents=True)
        text = _CUSTOMIZE.format(current=str(self._current))
        (boot / "sitecustomize.py").write_text(text, encoding="utf-8")
        self.environment = {"PYTHONPATH": str(boot)}

    def install(self, version: int) -> None:
        """Install an earlier release; 0 stands for what is tested here."""
        source = Path(roost.__file__).parents[1]
        if version:
            source = self._directory / f"source{version}"
            if not source.exists():
                unpack(version, "source", source)
                # Once, instead of by five processes that start at the same time.
                compileall.compile_dir(source, quiet=1)
        self._current.unlink(missing_ok=True)
        self._current.symlink_to(source)


def make_data(source: Path, directory: Path) -> None:
    """Have a release in `source` write a data directory, and pack it."""
    installation = Installation(directory / "installation")
    (directory / "installation" / "current").symlink_to(source)
    data = directory / "data"
    environment = installation.environment
    with Cluster(data, environment=environment) as cluster, ExitStack() as stack:
        alice, bob, carol = (
            stack.enter_context(cluster.client(nick)).register()
            for nick in ("alice", "bob", "carol")
        )
        for client in (alice, bob):
            make_account(client)
        for client in (alice, bob, carol):
            client.join("#lore")
        _set_up(alice, bob)
        for tale in TALES:
            alice.say("#lore", tale)
        for number in range(30):
            bob.say("#lore", f"note {number}")
            carol.send("PRIVMSG alice :psst", "AWAY :gone", "AWAY")
        carol.sync()
        cluster.wait_whole()
    (data / "expected.json").write_text(json.dumps({"history": _read(data, environment)}))
    with tarfile.open(directory / "data.tar.xz", "w:xz", preset=9) as archive:
        archive.add(data, "data")


def _set_up(alice: IrcClient, bob: IrcClient) -> None:
    """Leave something of every kind in the state."""
    alice.send(
        "PRIVMSG ChanServ :REGISTER #lore",
        "TOPIC #lore :What was told",
        "MODE #lore +tl 50",
        "MODE #lore +b troll!*@*",
        "PRIVMSG ChanServ :FLAGS #lore bob operator",
        "PRIVMSG NickServ :SET always-on on",
        "METADATA * SET colour :blue",
    )
    alice.sync()
    bob.send("JOIN #den", "MODE #den +k sesame", "TOPIC #den :Quiet", "MARKREAD #lore")
    bob.sync()


def _read(data: Path, environment: dict[str, str]) -> list[list[str]]:
    with Cluster(data, environment=environment) as cluster:
        return read_history(cluster)


def read_history(cluster: Cluster) -> list[list[str]]:
    """Return what #lore was told, as alice reads it: id, time, source and text."""
    with log_in(cluster.client("alice"), "alice", PASSWORD) as reader:
        lines = reader.history("LATEST #lore * 100")
        return [
            [line.tags["msgid"], line.tags["time"], line.nick, line.text]
            for line in lines
            if line.command == "PRIVMSG"
        ]


if __name__ == "__main__":
    make_data(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
