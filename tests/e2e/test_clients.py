"""Existing clients: irssi and WeeChat, in real terminals."""

import os
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

from support.cluster import ROOST, Cluster
from support.tmux import Terminal


def _irssi(cluster: Cluster, home: Path, nick: str) -> Terminal:
    host, port = cluster.address
    home.mkdir()
    # It sends one line per two seconds unless told otherwise, to spare slow servers.
    config = 'settings = { "irc/core" = { cmd_queue_speed = "10msec"; }; };\n'
    (home / "config").write_text(config)
    return Terminal(["irssi", f"--home={home}", "-c", host, "-p", str(port), "-n", nick])


def _weechat(cluster: Cluster, home: Path, nick: str, room: str) -> Terminal:
    host, port = cluster.address
    # Like irssi, it delays what it sends.
    haste = [
        *("-r", "/set irc.server_default.anti_flood_prio_high 0"),
        *("-r", "/set irc.server_default.anti_flood_prio_low 0"),
        *("-r", "/set irc.server_default.anti_flood 0"),
    ]
    return Terminal(["weechat", "-d", str(home), *haste, f"irc://{nick}@{host}:{port}/{room}"])


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
        # Nodes are balanced, so the two are on different ones.
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


def _up(data: Path, *flags: str) -> Terminal:
    """Run `roost up` on a terminal."""
    up = shlex.join([*ROOST, "up", "--data", str(data), "--port", "0", "--http-port", "0", *flags])
    return Terminal(["sh", "-c", f"trap : INT; {up}; echo ended with $?; exec sleep 1000"])


def test_on_a_terminal_there_are_no_logs_and_control_c_ends_it(tmp_path: Path) -> None:
    with _up(tmp_path / "data") as terminal:
        screen = terminal.wait_for("Roost is ready at 127.0.0.1:")
        assert "started" not in screen
        assert (tmp_path / "data" / "roost.log").read_text().count('"started"') >= 3
        found = re.search(r"kill -9 (\d+)", terminal.wait_for("kill -9 "))
        assert found is not None
        os.kill(int(found[1]), signal.SIGKILL)
        terminal.wait_for("has ended (killed by SIGKILL) and is started again.")
        terminal.press("C-c")
        screen = terminal.wait_for("ended with 0")
        assert "Traceback" not in screen


def test_logs_on_a_terminal_are_readable(tmp_path: Path) -> None:
    with _up(tmp_path / "data", "--logs") as terminal:
        screen = terminal.wait_for("Roost is ready at 127.0.0.1:")
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} .*n1 +started", screen, re.MULTILINE), screen
        assert '{"' not in screen
        terminal.press("C-c")
        assert "process-killed" not in terminal.wait_for("ended with 0")


def test_irssi_and_weechat_sit_through_the_death_of_every_node_and_show_nothing(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster()
    with (
        cluster.client("teller") as teller,
        _irssi(cluster, tmp_path / "irssi", "ines") as irssi,
        _weechat(cluster, tmp_path / "weechat", "walt", "#story") as weechat,
    ):
        teller.register()
        weechat.wait_for("has joined #story")
        irssi.wait_for("Welcome")
        irssi.type("/join #story")
        weechat.wait_for("ines")
        teller.join("#story")
        # Both clients lose their nodes, whichever these are. Everything fits on a screen.
        said = 0
        for name in ("n1", "n2", "n3"):
            cluster.wait_whole()
            for terminal in (irssi, weechat):
                terminal.type(f"I am here before {name}")
            old_pid = cluster.kill(name)
            for terminal in (irssi, weechat):
                terminal.type(f"I am here without {name}")
            for _ in range(6):
                teller.say("#story", f"sentence {said:02}.")
                said += 1
            cluster.wait_back(name, old_pid)
            for terminal in (irssi, weechat):
                for moment in (f"before {name}", f"without {name}"):
                    terminal.wait_for(f"I am here {moment}", count=2)
        for terminal in (irssi, weechat):
            screen = terminal.wait_for(f"sentence {said - 1:02}.")
            told = re.findall(r"sentence (\d\d)\.", screen)
            assert [int(number) for number in told] == list(range(said)), screen
            for name in ("n1", "n2", "n3"):
                for moment in (f"before {name}", f"without {name}"):
                    assert screen.count(f"I am here {moment}") == 2, screen
            for sign in (
                "quit",
                "disconnect",
                "Connection lost",
                "reconnect",
                "is now known",
                "ERROR",
            ):
                assert sign not in screen, screen
            assert len(re.findall(r"has joined", screen)) <= 3, screen
