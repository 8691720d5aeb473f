"""A running cluster is backed up, and comes back from the backup as another one."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.chat.ids import Position
from roost.cli.backup import backup
from roost.cli.errors import CommandError, UsageError
from roost.cli.export import export
from roost.cli.flags import BackupFlags, ExportFlags, LocalNodeFlags, RestoreFlags
from roost.cli.local_node import LocalNode, copying, find_nodes
from roost.cli.restore import restore
from roost.ops import clock
from support.cluster import PATIENCE_S, Cluster, run_roost
from support.irc_accounts import PASSWORD, log_in, make_account
from support.irc_client import IrcClient

ROOM = "#kept"


def said_in(client: IrcClient) -> list[tuple[str, str]]:
    """Return the texts and message ids of the room's history."""
    lines = client.history(f"LATEST {ROOM} * 50")
    return [(line.text, line.tags["msgid"]) for line in lines if line.command == "PRIVMSG"]


def _check_exports(
    data: Path,
    tmp_path: Path,
    said: list[tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    export(ExportFlags(data=data, rooms=(ROOM,), node="n1"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    texts = [(line["nick"], line["text"]) for line in lines if line["kind"] == "message"]
    assert texts == [
        *(("ada", text) for text, _ in said),
        ("ada", "after the last backup"),
        ("bob", "of bob"),
    ]
    assert [line["msgid"] for line in lines if line["kind"] == "message"][: len(said)] == [
        msgid for _, msgid in said
    ]
    export(ExportFlags(data=data, account="ada", output=tmp_path / "ada.jsonl"))
    account, *lines = map(json.loads, (tmp_path / "ada.jsonl").read_text().splitlines())
    assert account["founded_rooms"] == [ROOM]
    texts = [(line["nick"], line["text"]) for line in lines if line["kind"] == "message"]
    assert texts[-3:] == [
        ("ada", "after the last backup"),
        ("ada", "hello bob"),
        ("bob", "hello ada"),
    ]
    with pytest.raises(UsageError, match="there is no room #nowhere"):
        export(ExportFlags(data=data, rooms=("#nowhere",)))


def test_a_cluster_comes_back_from_its_last_backup_as_another_one(
    start_cluster: Callable[..., Cluster], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = start_cluster()
    kept = tmp_path / "kept"

    def back_up(**flags: object) -> str:
        cluster.wait_whole()
        backup(kept, BackupFlags(**({"data": cluster.data} | flags)))  # type: ignore[arg-type]
        return capsys.readouterr().out

    with cluster.client("ada") as ada, cluster.client("bob").register() as bob:
        ada.register()
        make_account(ada)
        ada.join(ROOM)
        ada.send(f"CS REGISTER {ROOM}")
        ada.expect("NOTICE", "ada", source="ChanServ")
        bob.join(ROOM)
        for number in range(3):
            ada.say(ROOM, f"word {number}")
        cluster.wait_whole()
        done = run_roost("backup", str(kept), "--data", str(cluster.data), "--node", "n2")
        assert done.returncode == 0, done.stderr
        assert "from n2: " in done.stdout
        ada.say(ROOM, "another word")
        assert "1 new rows" in back_up(node="n3")
        said = said_in(ada)
        assert [text for text, _ in said] == ["word 0", "word 1", "word 2", "another word"]
        ada.say(ROOM, "after the last backup")
        ada.say("bob", "hello bob")
        bob.say("ada", "hello ada")
        bob.say(ROOM, "of bob")
    cluster.wait_whole()
    _check_exports(cluster.data, tmp_path, said, capsys)
    assert len(list(kept.glob("*.rows"))) == 2
    assert back_up(is_verifying=True).count("sound: ") == 2
    cluster.stop()
    with pytest.raises(CommandError, match="does not run"):
        backup(kept, BackupFlags(data=cluster.data))
    with pytest.raises(UsageError, match="a backup is only restored into a new cluster"):
        restore(kept, RestoreFlags(data=cluster.data))

    again = tmp_path / "again"
    restore(kept, RestoreFlags(data=again))
    assert "1 accounts, 1 rooms" in capsys.readouterr().out
    _check_restored(again, kept, said)


def _check_restored(again: Path, kept: Path, said: list[tuple[str, str]]) -> None:
    with (
        Cluster(again) as restored,
        restored.client("ada") as ada,
        restored.client("cyd").register() as cyd,
    ):
        log_in(ada, "ada", PASSWORD)
        ada.join(ROOM)
        assert said_in(ada) == said
        ada.send("SEARCH text=another")
        assert ada.expect("PRIVMSG", ROOM).tags["msgid"] == said[-1][1]
        ada.send(f"CS INFO {ROOM}")
        assert ada.expect("NOTICE", source="ChanServ").text == f"{ROOM} belongs to ada."
        ada.say(ROOM, "and on it goes")
        assert len(restored.status().nodes) == 3
        with pytest.raises(UsageError, match="has backups of the cluster roost-"):
            backup(kept, BackupFlags(data=again))
        assert len(said_in(ada)) == 5, "all of it is stored"
        ada.send(f"CS KEEP {ROOM} 2")
        assert "is kept" in ada.expect("NOTICE", source="ChanServ").text
        _wait_forgotten(restored, ada)
        cyd.join(ROOM)
        cyd.say(ROOM, "word of cyd")
        _erase_ada(restored, ada, cyd)
        assert [text for text, _ in said_in(cyd)] == ["word of cyd"]


def _wait_forgotten(cluster: Cluster, ada: IrcClient) -> None:
    """Wait until the room has its last two messages only, also on the disks of all nodes."""
    deadline = clock.monotonic() + PATIENCE_S
    while (left := [text for text, _ in said_in(ada)]) != ["another word", "and on it goes"]:
        assert clock.monotonic() < deadline, left
        time.sleep(0.1)
    for node in find_nodes(LocalNodeFlags(data=cluster.data)):
        while _has_row(node, b"word 0"):
            assert clock.monotonic() < deadline, node
            time.sleep(0.1)


def _has_row(node: LocalNode, text: bytes) -> bool:
    with copying(node, Position(0)) as copy:
        # To the end: the node is busy with a copy until it is complete.
        return sum(text in row.record for rows in copy.rows for row in rows) > 0


def _erase_ada(cluster: Cluster, ada: IrcClient, cyd: IrcClient) -> None:
    """Have ada's words erased while a node is away; check the files of all nodes."""
    ada.say("cyd", "private word")
    away = cluster.node("n3").pid
    os.kill(away, signal.SIGSTOP)
    try:
        cluster.wait_for(
            lambda status: all(node.state != "ready" for node in status.nodes if node.name == "n3"),
            "node that is away",
        )
        ada.say(ROOM, "the very last word")
        done = run_roost("erase-account", "ada", "--yes", "--data", str(cluster.data))
        assert done.returncode == 0, done.stderr
        assert "backups that were made before" in done.stdout
        ada.wait_closed()
        cyd.expect("QUIT", source="ada")
        _wait_erased(cluster, "n1", "n2")
    finally:
        os.kill(away, signal.SIGCONT)
    _wait_erased(cluster, "n3")
    done = run_roost("erase-account", "ada", "--yes", "--data", str(cluster.data))
    assert "there is no account ada" in done.stderr


def _wait_erased(cluster: Cluster, *names: str) -> None:
    """Wait until no file of these nodes has a word that ada said."""

    def remnants() -> list[str]:
        return [
            f"{path}: {word!r}"
            for name in names
            for path in (cluster.data / name / "data").iterdir()
            if path.is_file()
            for word in (b"another word", b"private word", b"very last word", b"and on it goes")
            if word in path.read_bytes()
        ]

    deadline = clock.monotonic() + PATIENCE_S
    while found := remnants():
        assert clock.monotonic() < deadline, found
        time.sleep(0.1)
