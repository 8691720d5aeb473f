"""`roost chat` in a real terminal, against a real cluster whose nodes die."""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp

from roost.cli.status import find_urls
from support.cluster import Cluster
from support.irc_client import IrcClient
from support.tmux import Terminal
from support.web_chat import serve_chat

LINES = 12
STRAWS = 150
"""More than the client loads at once."""


def open_chat(cluster: Cluster, home: Path, *arguments: str, width: int = 100) -> Terminal:
    """Open the client for a user whose home is `home`."""
    host, port = cluster.address
    home.mkdir(exist_ok=True)
    return Terminal(
        [sys.executable, "-m", "roost.cli", "chat", f"{host}:{port}", *arguments],
        environment={"HOME": str(home), "COLORTERM": "truecolor"},
        width=width,
        height=40,
    )


def test_the_first_minute_leads_from_nothing_to_a_conversation(
    cluster: Cluster, tmp_path: Path
) -> None:
    with open_chat(cluster, tmp_path / "home", width=80) as terminal:
        terminal.wait_for("Your nickname")
        terminal.type("newcomer")
        terminal.wait_for("Type to find a room")
        terminal.type("firstminute")
        terminal.wait_for("You joined")
        terminal.type("hello, is anybody here?")
        screen = terminal.wait_for("\u2713")
        assert "hello, is anybody here?" in screen
        terminal.write("one line")
        terminal.press("M-Enter")
        terminal.type("and another")
        terminal.wait_until(lambda shown: shown.count("\u2713") == 2, "second delivery")
        terminal.press("C-Up")
        terminal.wait_for("R: reply")
        terminal.press("c")
        terminal.wait_for("Copied")
        terminal.type("F recorder message")
        terminal.wait_for("F recorder message")
        terminal.press("F1")
        terminal.wait_for("Everywhere")
        terminal.press("Escape")
        terminal.press("C-q")
        terminal.wait_gone()


def test_a_kill_of_the_serving_node_shows_nothing_and_loses_and_doubles_nothing(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster()
    cluster.wait_whole()
    before = {node.name: node.sessions for node in cluster.status().nodes}
    with open_chat(cluster, tmp_path / "home", "--nick", "carol", "--room", "#deaths") as terminal:
        terminal.wait_for("You joined")

        def serving(status: object) -> str:
            nodes = cluster.status().nodes
            return next(node.name for node in nodes if node.sessions > before[node.name])

        name = cluster.wait_for(serving, "node that serves carol")
        with cluster.client("dave") as dave:
            dave.register()
            dave.join("#deaths")
            terminal.wait_for("dave joined")
            pid = 0
            for number in range(LINES):
                if number == LINES // 2:
                    pid = cluster.kill(name)
                terminal.type(f"mine {number:02}")
                dave.say("#deaths", f"theirs {number:02}")
            screen = terminal.wait_for(f"theirs {LINES - 1:02}")
            wait_all_delivered(terminal)
            screen = terminal.screen()
            for number in range(LINES):
                assert screen.count(f"mine {number:02}") == 1, screen
                assert screen.count(f"theirs {number:02}") == 1, screen
            assert "quit" not in screen
            assert screen.count("joined") == 2
            assert "Reconnecting" not in screen
            said = said_by(dave, "carol")
            assert said == [f"mine {number:02}" for number in range(LINES)]
            cluster.wait_back(name, pid)


def test_when_a_balancer_dies_the_client_goes_on_at_the_other_and_sends_what_was_typed_once(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster(arguments=("--balancers", "2", "--no-restart"))
    cluster.wait_whole()
    second = "{}:{}".format(*cluster.addresses[1])
    home = tmp_path / "home"
    with (
        open_chat(cluster, home, second, "--nick", "carol", "--room", "#doors") as terminal,
        IrcClient(cluster.addresses[1], "dave") as dave,
    ):
        terminal.wait_for("You joined")
        dave.register()
        dave.join("#doors")
        terminal.wait_for("dave joined")
        cluster.kill_balancer("b1")
        for number in range(LINES):
            terminal.type(f"mine {number:02}")
            dave.say("#doors", f"theirs {number:02}")
        terminal.wait_for(f"theirs {LINES - 1:02}")
        wait_all_delivered(terminal)
        screen = terminal.wait_for(second)
        for number in range(LINES):
            assert screen.count(f"mine {number:02}") == 1, screen
            assert screen.count(f"theirs {number:02}") == 1, screen
        assert said_by(dave, "carol") == [f"mine {number:02}" for number in range(LINES)]
        assert not any(line.command == "QUIT" for line in dave.received)


def test_old_messages_are_found_and_an_edit_is_made_while_a_node_dies(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster()
    cluster.wait_whole()
    home = tmp_path / "home"
    settings = home / ".config" / "roost" / "settings.toml"
    settings.parent.mkdir(parents=True)
    host, port = cluster.address
    settings.write_text(
        f'[servers.second]\naddresses = ["{host}:{port}"]\nnick = "carol2"\nrooms = ["#other"]\n'
    )
    with cluster.client("dave") as dave:
        dave.register()
        dave.join("#old")
        dave.say("#old", "a needle in the hay")
        for number in range(STRAWS):
            dave.say("#old", f"straw {number:03}")
        dave.sync()
        arguments = ("--nick", "carol", "--room", "#old")
        with open_chat(cluster, home, *arguments) as terminal:
            terminal.wait_for(f"straw {STRAWS - 1:03}")
            terminal.wait_for("second")
            terminal.press("F6")
            terminal.wait_for("Words that were said")
            terminal.write("needle")
            terminal.wait_for("1 found")
            terminal.press("Enter")
            terminal.wait_for("straw 000")
            terminal.press("C-End")
            terminal.type("frist **version**")
            terminal.wait_for("\u2713")
            for node in cluster.status().nodes[:1]:
                cluster.kill(node.name)
            terminal.type("/edit first **version**")
            terminal.wait_for("first version (edited)")
            terminal.wait_until(lambda screen: "frist" not in screen, "the end of the old version")
            terminal.press("F8")
            terminal.wait_for("#other  No topic yet")
            dave.join("#other")
            dave.say("#other", "over here")
            terminal.wait_for("over here")
            terminal.press("F8")
            terminal.wait_for("first version (edited)")
            dave.sync()
            assert said_of(dave, "carol") == ["frist \x02version\x02", "first \x02version\x02"]


def wait_all_delivered(terminal: Terminal) -> None:
    """Wait until the user's last message is marked as delivered."""
    terminal.wait_until(
        lambda screen: bool(re.search(rf"\u2713.*mine {LINES - 1:02}", screen)), "delivery"
    )


def said_by(client: IrcClient, nick: str) -> list[str]:
    """Return what a client saw somebody say, up to the last line of the test."""
    last = f"mine {LINES - 1:02}"
    if not any(line.command == "PRIVMSG" and line.text == last for line in client.received):
        client.expect("PRIVMSG", where=lambda line: line.text == last)
    client.sync()
    return said_of(client, nick)


def said_of(client: IrcClient, nick: str) -> list[str]:
    """Return what a client has seen somebody say."""
    return [
        line.text for line in client.received if line.command == "PRIVMSG" and line.nick == nick
    ]


def test_what_was_typed_is_there_again_the_next_time(cluster: Cluster, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_chat(cluster, home, "--nick", "erin", "--room", "#drafts") as terminal:
        terminal.wait_for("You joined")
        terminal.type("said before \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea")
        terminal.wait_for("\u2713")
        # Inside tmux only what every terminal measures alike is written.
        terminal.wait_for("said before \U0001f468 DE")
        terminal.press("C-l")
        terminal.wait_for("said before \U0001f468 DE")
        terminal.write("half a thought")
        terminal.wait_for("half a thought")
        terminal.press("C-q")
        terminal.wait_gone()
    with open_chat(cluster, home) as terminal:
        screen = terminal.wait_for("half a thought")
        assert "Your nickname" not in screen
        terminal.wait_for("said before")


def test_an_account_is_made_and_the_next_start_asks_for_its_password(
    cluster: Cluster, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with open_chat(cluster, home, "--nick", "olga", "--room", "#vault") as terminal:
        terminal.wait_for("You joined")
        terminal.type("/register")
        terminal.wait_for("The same again")
        terminal.type("correct-horse")
        terminal.wait_for("Type it again")
        terminal.type("correct-horse")
        screen = terminal.wait_for("The account olga is yours")
        assert "correct" not in screen
        terminal.press("C-q")
        terminal.wait_gone()
    assert "correct" not in "".join(path.read_text() for path in home.rglob("*.json"))
    with open_chat(cluster, home) as terminal:
        terminal.wait_for("Password of olga")
        terminal.type("correct-horse")
        screen = terminal.wait_for("F1 keys")
        assert "olga_" not in screen
        terminal.type("/account")
        terminal.wait_for("You are logged in as olga.")


def test_a_server_that_is_no_irc_server_is_named_so(tmp_path: Path, cluster: Cluster) -> None:
    address = find_urls(cluster.data, None)[0].removeprefix("http://")
    home = tmp_path / "home"
    home.mkdir()
    with Terminal(
        [sys.executable, "-m", "roost.cli", "chat", address, "--nick", "frank", "--no-tls"],
        environment={"HOME": str(home)},
        width=100,
        height=30,
    ) as terminal:
        screen = terminal.wait_for("Not connected")
        assert "Traceback" not in screen


def test_an_address_that_nobody_answers_at_is_said_in_words(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with Terminal(
        [sys.executable, "-m", "roost.cli", "chat", "127.0.0.1:1", "--nick", "gina"],
        environment={"HOME": str(home)},
        width=100,
        height=30,
    ) as terminal:
        terminal.wait_for("Reconnecting")
        terminal.write("typed meanwhile")
        terminal.wait_for("typed meanwhile")


def test_a_browser_gets_the_same_interface(cluster: Cluster, tmp_path: Path) -> None:
    with serve_chat(cluster, tmp_path) as (host, path, _):
        shown = asyncio.run(read_web(f"http://{host}", path, "Your nickname"))
        assert "Your nickname" in shown


async def read_web(origin: str, path: str, words: str) -> str:
    """Read what a browser is sent, until some words are in it."""
    shown = ""
    async with asyncio.timeout(40), aiohttp.ClientSession() as session:
        url = f"{origin}{path}ws?width=100&height=30"
        async with session.ws_connect(url, origin=origin) as socket:
            while words not in shown:
                message = await socket.receive()
                shown += (
                    message.data.decode(errors="replace")
                    if isinstance(message.data, bytes)
                    else str(message.data)
                )
    return shown
