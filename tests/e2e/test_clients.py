"""The clients that people already have: irssi and WeeChat, in real terminals."""

import re
import shlex
from pathlib import Path

from support.cluster import ROOST, Cluster
from support.tmux import Terminal


def _irssi(cluster: Cluster, home: Path, nick: str) -> Terminal:
    host, port = cluster.address
    home.mkdir()
    # It holds back what it sends, two seconds for each line, to please servers less patient.
    config = 'settings = { "irc/core" = { cmd_queue_speed = "10msec"; }; };\n'
    (home / "config").write_text(config)
    return Terminal(["irssi", f"--home={home}", "-c", host, "-p", str(port), "-n", nick])


def _weechat(cluster: Cluster, home: Path, nick: str, room: str) -> Terminal:
    host, port = cluster.address
    return Terminal(["weechat", "-d", str(home), f"irc://{nick}@{host}:{port}/{room}"])


def test_irssi_and_weechat_talk_through_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    with (
        _irssi(cluster, tmp_path / "irssi", "ines") as irssi,
        _weechat(cluster, tmp_path / "weechat", "walt", "#terminals") as weechat,
    ):
        weechat.wait_for("has joined #terminals")
        irssi.wait_for("Welcome")
        irssi.type("/join #terminals")
        weechat.wait_for("ines")
        irssi.type("hello from irssi")
        weechat.wait_for("hello from irssi")
        weechat.type("hello from weechat")
        irssi.wait_for("hello from weechat")
        weechat.type("/topic where terminals meet")
        irssi.wait_for("where terminals meet")
        # Nodes are even, so the two are on different ones.
        served = [node.sessions for node in cluster.status().nodes]
        assert max(served) - min(served) <= 1


def test_a_latecomer_asks_for_what_was_said(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.client("early5") as early:
        early.register().join("#past5")
        for count in range(3):
            early.say("#past5", f"said before {count}")
        with _irssi(cluster, tmp_path / "irssi", "late5") as irssi:
            irssi.wait_for("Welcome")
            irssi.type("/join #past5")
            irssi.wait_for("late5 [")
            irssi.type("/quote CAP REQ :server-time batch draft/chathistory")
            irssi.type("/quote CHATHISTORY LATEST #past5 * 10")
            for count in range(3):
                irssi.wait_for(f"said before {count}")


def test_on_a_terminal_logs_are_readable_and_control_c_ends_it(tmp_path: Path) -> None:
    up = shlex.join(
        [*ROOST, "up", "--data", str(tmp_path / "data"), "--port", "0", "--http-port", "0"]
    )
    with Terminal(
        ["sh", "-c", f"trap : INT; {up}; echo ended with $?; exec sleep 1000"]
    ) as terminal:
        screen = terminal.wait_for("Roost is ready at 127.0.0.1:")
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} .*n1 +started", screen, re.MULTILINE), screen
        assert '{"' not in screen
        terminal.press("C-c")
        screen = terminal.wait_for("ended with 0")
        assert "process-killed" not in screen
        assert "Traceback" not in screen
