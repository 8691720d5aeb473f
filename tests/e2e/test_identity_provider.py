"""Accounts of a company's directory, with real processes."""

import base64
import sys
from collections.abc import Callable
from pathlib import Path

from roost.ops import clock
from support.cluster import Cluster
from support.irc_accounts import log_in as connect
from support.irc_accounts import plain
from support.irc_client import IrcClient, Line
from support.issuer import AUDIENCE, ISSUER, Issuer, key_set

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
        f'keys_file = "{keys}"\n',
        encoding="utf-8",
    )
    cluster = start_cluster(arguments=("--config", str(config)))
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
