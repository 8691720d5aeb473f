"""Who people are and where they come from, with real processes: a company's directory, cloaks."""

import base64
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from roost.ops import clock
from support.cluster import Cluster
from support.irc_accounts import log_in as connect
from support.irc_accounts import plain
from support.irc_client import IrcClient, Line
from support.issuer import AUDIENCE, ISSUER, Issuer, key_set
from support.push_service import Device, PushProcess

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


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


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


def check_replay(cluster: Cluster) -> None:
    """Let a client that cannot ask for history see what was said in a room that it enters."""
    with cluster.client("old").register(capabilities=()) as old:
        old.send("JOIN #lobby")
        shown = old.expect("PRIVMSG", "#lobby", source="alice").text
        assert re.fullmatch(r"\[\d\d:\d\dZ\] hello", shown), shown


def check_pushes(cluster: Cluster, service: PushProcess, alice: IrcClient, eve: IrcClient) -> None:
    """Have alice's phone told of what is said to her while she is away, whichever node dies."""
    phone = Device()
    alice.send(f"WEBPUSH REGISTER {service.origin}/one {phone.keys}", "AWAY :tea")
    alice.expect("WEBPUSH", "REGISTER")
    alice.expect("306")
    eve.say("#lobby", "nobody in particular")
    eve.say("alice", "first")
    service.wait(1)
    cluster.wait_whole()
    cluster.kill(cluster.leader())
    eve.say("#lobby", "Alice, second")
    told = [phone.decrypt(body).decode() for body in service.wait(2)]
    assert [line.rpartition("PRIVMSG ")[2] for line in told] == [
        "alice :first",
        "#lobby :Alice, second",
    ]
    # A device that is gone is not told again.
    service.gone.append("/one")
    eve.say("alice", "third")
    with service.arrived:
        assert service.arrived.wait_for(lambda: service.refused, 20.0)
    alice.send(f"WEBPUSH REGISTER {service.origin}/two {phone.keys}")
    alice.expect("WEBPUSH", "REGISTER")
    eve.say("alice", "fourth")
    assert phone.decrypt(service.wait(3)[-1]).endswith(b"PRIVMSG alice :fourth")
    assert service.refused == ["/one"]


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
    stack: ExitStack, tmp_path: Path
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
        f'keys_file = "{keys}"\n[node.irc.push]\ncontact = "mailto:admin@example.org"\n'
        'internal_hosts = ["localhost"]\n'
        f'[balancer]\nproxy_from = ["{PROXY}/32"]\n',
        encoding="utf-8",
    )
    service = stack.enter_context(PushProcess(tmp_path))
    environment = {"SSL_CERT_FILE": str(service.authority)}
    arguments = ("--config", str(config))
    cluster = stack.enter_context(
        Cluster(tmp_path / "data", arguments=arguments, environment=environment)
    )
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
        check_replay(cluster)
        eve.send("NS LOGOUT")
        check_pushes(cluster, service, alice, eve)
    assert SECRET not in cluster.log()
    assert "guess" not in cluster.log()
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


def test_an_address_is_asked_instead_of_a_program(stack: ExitStack, tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.headers["Authorization"], question["account"]))
            status, answer = 200, {"ok": question["password"] == SECRET}
            match question["account"]:
                case "hang":
                    released.wait(20)
                    return
                case "broken":
                    status = 500
                case "mail@example.org":
                    answer = {"ok": True, "account": "mail"}
                case "expired":
                    answer = {"ok": False, "error": "Your password has expired"}
            self.send_response(status)
            body = json.dumps(answer).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    released = threading.Event()
    stack.callback(released.set)
    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    stack.callback(hook.server_close)
    thread = threading.Thread(target=hook.serve_forever, daemon=True)
    thread.start()
    stack.callback(hook.shutdown)
    config = tmp_path / "company.toml"
    config.write_text(
        f'[node.irc.login]\nurl = "http://127.0.0.1:{hook.server_address[1]}/check"\n'
        'secret = "hush"\ntimeout_s = 0.5\nmaps_names = true\n',
        encoding="utf-8",
    )
    arguments = ("--config", str(config))
    cluster = stack.enter_context(Cluster(tmp_path / "data", nodes=1, arguments=arguments))
    eve = stack.enter_context(cluster.client("eve")).register()
    told = {
        account: log_in(eve, account).text.partition("failed: ")[2]
        for account in ("hang", "broken", "expired", "mail@example.org", "eve")
    }
    assert told == {
        "hang": "The identity provider does not answer; try again later",
        "broken": "The identity provider is out of order; try again later",
        "expired": "Wrong account name or password: Your password has expired",
        "mail@example.org": "",
        "eve": "",
    }
    assert {secret for secret, _ in asked} == {"Bearer hush"}
    eve.send("WHOIS eve")
    assert eve.expect("330").parameters[2] == "eve"
    assert SECRET not in cluster.log()
