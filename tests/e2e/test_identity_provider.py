"""Who people are and where they come from, with real processes: a company's directory, cloaks."""

import base64
import re
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from roost.ops import clock
from support.cluster import Cluster
from support.irc_accounts import log_in as connect
from support.irc_accounts import plain
from support.irc_client import IrcClient, Line
from support.issuer import AUDIENCE, ISSUER, Issuer, key_set

PROXY = "127.0.0.9"
SECRET = "hunter2-hunter2"
PROGRAM = f"""
import json, os, sys, time
asked = json.loads(sys.stdin.readline())
match asked["account"]:
    case "hang":
        time.sleep(600)
    case "crash":
        os.kill(os.getpid(), 9)
    case "garbage":
        print("yes " * 10_000)
    case "liar":
        print(json.dumps({{"ok": True, "account": "alice"}}))
    case _:
        print(json.dumps({{"ok": asked["password"] == "{SECRET}"}}))
"""


def come_from(cluster: Cluster, stack: ExitStack, nick: str, address: str) -> IrcClient:
    """Connect as a proxy does for a client at an address."""
    sock = socket.create_connection(cluster.address, 20.0, source_address=(PROXY, 0))
    client = stack.enter_context(IrcClient(cluster.address, nick, over=sock))
    client.send_bytes(f"PROXY TCP4 {address} 127.0.0.1 4000 6667\r\n".encode())
    return client.register()


def check_cloaks(cluster: Cluster) -> None:
    """See people from one address, at all nodes, with one cloak that tells nothing."""
    with ExitStack() as stack:
        people = [come_from(cluster, stack, f"p{number}", "203.0.113.7") for number in range(4)]
        watcher = stack.enter_context(cluster.client("watcher")).register()
        watcher.join("#cloaks")
        hosts = []
        for person in people:
            person.join("#cloaks")
            hosts.append(watcher.expect("JOIN", source=person.nick).source.partition("@")[2])
        assert len(dict.fromkeys(hosts)) == 1
        assert re.fullmatch(r"([a-z2-7]{8}\.){3}ip", hosts[0]), hosts
        watcher.send(f"MODE #cloaks +b *!*@*{hosts[0][8:]}")
        watcher.expect("MODE")
        banned = come_from(cluster, stack, "p5", "203.0.113.99")
        banned.send("JOIN #cloaks")
        banned.expect("474")


def log_in(client: IrcClient, account: str, password: str = SECRET) -> Line:
    client.send("AUTHENTICATE PLAIN")
    client.expect("AUTHENTICATE", "+")
    client.send(f"AUTHENTICATE {plain(account, password)}")
    return client.expect_any("903", "904")


def show(client: IrcClient, token: str) -> Line:
    """Log in with a token, to the end of the exchange."""
    text = base64.b64encode(f"n,,\x01auth=Bearer {token}\x01\x01".encode()).decode()
    client.send("AUTHENTICATE OAUTHBEARER")
    client.expect("AUTHENTICATE", "+")
    client.send(
        *[f"AUTHENTICATE {text[start : start + 400]}" for start in range(0, len(text), 400)]
    )
    if client.expect_any("903", "AUTHENTICATE").command == "903":
        return client.received[-1]
    client.send("AUTHENTICATE AQ==")
    return client.expect("904")


def test_people_of_a_directory_log_in_and_a_broken_one_holds_nobody_for_long(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    program = tmp_path / "check.py"
    program.write_text(PROGRAM, encoding="utf-8")
    issuer, keys = Issuer(), tmp_path / "keys.json"
    keys.write_bytes(key_set(issuer))
    config = tmp_path / "company.toml"
    config.write_text(
        f'[node.irc.login]\nprogram = ["{sys.executable}", "-I", "-S", "{program}"]\n'
        "timeout_s = 1.0\n"
        f'[node.irc.login.oauth]\nissuer = "{ISSUER}"\naudience = ["{AUDIENCE}"]\n'
        f'keys_file = "{keys}"\n[balancer]\nproxy_from = ["{PROXY}/32"]\n',
        encoding="utf-8",
    )
    cluster = start_cluster(arguments=("--config", str(config)))
    check_cloaks(cluster)
    with cluster.client("alice") as alice, cluster.client("eve") as eve:
        connect(alice, "alice", SECRET)
        eve.register()
        failures = {
            account: log_in(eve, account).text for account in ("hang", "crash", "garbage", "liar")
        }
        failures["wrong"] = log_in(eve, "alice", "guess").text
        before = "SASL authentication failed: "
        assert failures == {
            "hang": f"{before}The identity provider does not answer; try again later",
            "crash": f"{before}The identity provider is out of order; try again later",
            "garbage": f"{before}The identity provider is out of order; try again later",
            "liar": f"{before}The identity provider answered for another account",
            "wrong": f"{before}Wrong account name or password",
        }
        now_ms = clock.now().wall_ms
        old = issuer.token("alice", now_ms - 3_600_000)
        assert show(eve, old).text == f"{before}The token has expired"
        assert show(eve, issuer.token("bob", now_ms)).command == "903"
        # The account is one like any other: on every node, also after a death.
        alice.join("#lobby")
        alice.send("CS REGISTER #lobby")
        cluster.kill("n1")
        assert log_in(eve, "alice").command == "903"
        eve.join("#lobby")
        alice.say("#lobby", "hello")
        assert [line.text for line in eve.history("LATEST #lobby * 5")][-1] == "hello"
    assert SECRET not in cluster.log()
    assert "guess" not in cluster.log()
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
