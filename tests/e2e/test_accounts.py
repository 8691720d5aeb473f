"""Accounts with real processes: registration, logins, and what survives failures."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.cluster import Cluster, run_roost
from support.irc_accounts import PASSWORD, is_logged_in, log_in, make_account, plain
from support.irc_client import ClosedError, IrcClient
from support.tls_clients import both_in_one, irssi_by_tls, weechat_by_tls
from support.tls_files import fingerprint, self_signed

RACERS = 50
MAKERS = 40
MESSAGES = 90
KILLED_AT = 30


def account_of(observer: IrcClient, nick: str) -> str:
    """Return the account that a user is logged in to, as others see it."""
    observer.send(f"WHOIS {nick}")
    account = ""
    while True:
        line = observer.read()
        if line.command == "330" and line.parameters[1] == nick:
            account = line.parameters[2]
        if line.command == "318":
            return account


def test_of_fifty_who_register_one_name_at_once_one_gets_it(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with contextlib.ExitStack() as stack:
        racers = [
            stack.enter_context(cluster.client(f"racer{number}")).register()
            for number in range(RACERS)
        ]
        served = [node.sessions for node in cluster.status().nodes]
        assert max(served) - min(served) <= 2, served
        for number, racer in enumerate(racers):
            racer.send(f"REGISTER prize * {PASSWORD}-{number}")
        winners, losers = [], 0
        for number, racer in enumerate(racers):
            verdict = racer.expect_any("REGISTER", "FAIL")
            if verdict.command == "REGISTER":
                assert verdict.parameters[:2] == ("SUCCESS", "prize")
                winners.append(number)
            else:
                assert verdict.parameters[:3] == ("REGISTER", "ACCOUNT_EXISTS", "prize"), verdict
                losers += 1
        assert (len(winners), losers) == (1, RACERS - 1)
        observer = stack.enter_context(cluster.client("observer")).register()
        in_it = [nick for nick in (racer.nick for racer in racers) if account_of(observer, nick)]
        assert in_it == [f"racer{winners[0]}"]
        # The winner's password is valid on every node.
        for number in (winners[0], (winners[0] + 1) % RACERS):
            observer.send(f"NS IDENTIFY prize {PASSWORD}-{number}")
            told = observer.expect("NOTICE", "observer", source="NickServ")
            assert is_logged_in(told) == (number == winners[0]), told


def test_accounts_that_are_being_made_while_nodes_die_are_made_once(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with contextlib.ExitStack() as stack:
        people = [
            stack.enter_context(cluster.client(f"maker{number}")).register()
            for number in range(MAKERS)
        ]
        for victim, some in (("n1", people[::2]), ("n2", people[1::2])):
            for client in some:
                client.send(f"NS REGISTER {PASSWORD}-{client.nick}", "PING done")
            old_pid = cluster.kill(victim)
            for client in some:
                client.expect("PONG", where=lambda line: line.text == "done")
            cluster.wait_back(victim, old_pid)
            cluster.wait_whole()
        for client in people:
            client.sync()
            told = [line.text for line in client.received if line.nick == "NickServ"]
            assert told == [
                f"{client.nick} is now your account, and the nickname is reserved for you.",
                f"You are logged in as {client.nick}.",
            ]
            client.send("NS LOGOUT", f"NS IDENTIFY {PASSWORD}-{client.nick}")
            client.expect("NOTICE", source="NickServ", where=is_logged_in)


@contextlib.contextmanager
def on_a_node(cluster: Cluster, account: str) -> Iterator[tuple[IrcClient, str]]:
    """Log a client in; return it and the node that serves it."""
    before = {node.name: node.sessions for node in cluster.status().nodes}
    with cluster.client(account) as client:
        log_in(client, account, PASSWORD)
        node = cluster.wait_for(
            lambda status: "".join(
                node.name for node in status.nodes if node.sessions > before[node.name]
            ),
            "node that serves it",
        )
        yield client, node


def read_until(client: IrcClient, senders: tuple[str, ...], last: int) -> None:
    """Read until the last message of every client has arrived."""
    missing = {f"{sender} {last}" for sender in senders}
    missing -= {line.text for line in client.received if line.command == "PRIVMSG"}
    while missing:
        line = client.read()
        if line.command == "PRIVMSG":
            missing.discard(line.text)


def test_two_clients_of_one_account_get_everything_while_a_node_dies(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    with cluster.client("ada") as first:
        make_account(first.register())
    with cluster.client("bob") as first:
        make_account(first.register())
    cluster.wait_for(lambda status: sum(node.sessions for node in status.nodes) == 0, "quiet")
    with (
        on_a_node(cluster, "ada") as (desk, desk_node),
        on_a_node(cluster, "ada") as (phone, phone_node),
        on_a_node(cluster, "bob") as (bob, bob_node),
    ):
        assert len({desk_node, phone_node, bob_node}) == 3
        desk.join("#pair")
        phone.expect("366", "ada", "#pair")
        bob.join("#pair")
        everybody = {"desk": desk, "phone": phone, "bob": bob}
        old_pid = 0
        for number in range(MESSAGES):
            if number == KILLED_AT:
                old_pid = cluster.kill(phone_node)
            desk.send(f"PRIVMSG #pair :desk {number}")
            phone.send(f"PRIVMSG #pair :phone {number}", f"PRIVMSG bob :private {number}")
            bob.say("#pair", f"bob {number}")
        for client in everybody.values():
            read_until(client, ("desk", "phone", "bob", "private"), MESSAGES - 1)
        cluster.wait_back(phone_node, old_pid)
        told = {}
        for name, client in everybody.items():
            client.sync()
            messages = [line for line in client.received if line.command == "PRIVMSG"]
            told[name] = [line.text for line in messages]
            assert len(set(told[name])) == len(told[name]) == 4 * MESSAGES, name
            assert not [line for line in client.received if line.command in ("QUIT", "PART")]
        for sender in ("desk", "phone", "bob", "private"):
            expected = [f"{sender} {number}" for number in range(MESSAGES)]
            for name, texts in told.items():
                assert [text for text in texts if text.startswith(f"{sender} ")] == expected, name
        in_room = {
            name: [text for text in texts if not text.startswith("private")]
            for name, texts in told.items()
        }
        assert in_room["desk"] == in_room["phone"] == in_room["bob"]


def test_who_is_always_on_finds_what_was_said_and_no_password_is_kept_anywhere(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    other = "another-horse-battery"
    with cluster.client("bob").register() as bob:
        with cluster.client("ada").register() as ada:
            make_account(ada)
            ada.send("PRIVMSG NickServ :SET ALWAYS-ON on")
            ada.expect("NOTICE", source="NickServ")
            ada.join("#quiet")
            # Send passwords, right and wrong ones.
            ada.send(f"NS SET PASSWORD {other}", f"NS IDENTIFY {PASSWORD}")
            ada.expect("NOTICE", where=lambda line: line.text.startswith("Your password is"))
            ada.expect("NOTICE", where=lambda line: line.text.startswith("Wrong"))
        bob.join("#quiet")
        for number in range(3):
            bob.say("#quiet", f"while you were away {number}")
        bob.sync()
    cluster.stop()
    cluster.start()
    with cluster.client("bob").register() as bob:
        bob.send("NAMES #quiet")
        assert "ada" in bob.expect("353").text
        bob.join("#quiet")
        bob.say("#quiet", "and after the night")
        with cluster.client("mallory") as mallory:
            with pytest.raises(AssertionError, match="904"):
                log_in(mallory, "ada", PASSWORD)
            mallory.send("NICK ada", "CAP END")
            assert mallory.expect_any("001", "433").command == "433"
        with log_in(cluster.client("ada"), "ada", other) as ada:
            ada.expect("366", "ada", "#quiet")
            found = ada.history("LATEST #quiet * 20")
            texts = [line.text for line in found if line.command == "PRIVMSG"]
            said = [f"while you were away {number}" for number in range(3)]
            assert texts == [*said, "and after the night"]
            ada.send(f"NS IDENTIFY {other}")
            ada.expect("NOTICE", source="NickServ", where=is_logged_in)
    cluster.stop()
    kept = {path: path.read_bytes() for path in cluster.data.rglob("*") if path.is_file()}
    kept[Path("log")] = cluster.log().encode()
    # Text is stored as it was typed, so passwords in the files would be found.
    logs = [data for path, data in kept.items() if path.suffix == ".segment"]
    assert any(b"while you were away 1" in data for data in logs)
    for password in (PASSWORD, other):
        plain_encoded = plain("ada", password)
        for secret in (password, plain_encoded, hashlib.sha256(password.encode()).hexdigest()):
            holders = [path for path, data in kept.items() if secret.encode() in data]
            assert not holders, secret


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "EXTERNAL"])
def test_irssi_and_weechat_log_in_by_tls(cluster: Cluster, tmp_path: Path, mechanism: str) -> None:
    ines, walter = f"ines-{mechanism[0]}", f"walter-{mechanism[0]}"
    room = f"#login-{mechanism}"
    certificates, sasl = {}, {}
    for nick in (ines, walter):
        files = self_signed(tmp_path, nick)
        certificates[nick] = both_in_one(files) if mechanism == "EXTERNAL" else None
        sasl[nick] = {"mechanism": mechanism, "username": nick}
        if mechanism != "EXTERNAL":
            sasl[nick]["password"] = PASSWORD
        with cluster.client(nick).register() as client:
            make_account(client)
            client.send(f"NS CERT ADD {fingerprint(files)}")
            client.expect("NOTICE", source="NickServ")
            client.send("QUIT")
            with contextlib.suppress(ClosedError):
                client.wait_closed()
    if mechanism.startswith("SCRAM"):
        # Current versions of irssi do not support SCRAM.
        sasl[ines]["mechanism"] = "PLAIN"
    # WeeChat spells it differently.
    sasl[walter]["mechanism"] = mechanism.lower()
    with (
        irssi_by_tls(
            cluster, tmp_path / "irssi", ines, certificate=certificates[ines], sasl=sasl[ines]
        ) as irssi,
        weechat_by_tls(
            cluster,
            tmp_path / "weechat",
            walter,
            certificate=certificates[walter],
            sasl=sasl[walter],
        ) as weechat,
        cluster.client(f"observer-{mechanism[0]}").register() as observer,
    ):
        irssi.wait_for("Welcome")
        weechat.wait_for("Welcome")
        for terminal, nick in ((irssi, ines), (weechat, walter)):
            assert re.search(rf"logged in as\s+{nick}", terminal.screen()), terminal.screen()
            assert account_of(observer, nick) == nick
        irssi.type(f"/join {room}")
        irssi.wait_for(f"{ines} [")
        weechat.type(f"/join {room}")
        irssi.wait_for(walter)
        irssi.type("hello, it is me")
        weechat.wait_for("hello, it is me")


def test_scripts_log_in(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster.client("herald").register() as herald:
        make_account(herald)
    host, port = cluster.address
    with cluster.client("reader").register() as reader:
        reader.join("#heralds")
        reader.send("CAP REQ account-tag")
        for password, code in ((PASSWORD, 0), ("wrong-horse-battery", 1)):
            monkeypatch.setenv("ROOST_PASSWORD", password)
            done = run_roost(
                *("say", "--nick", "herald", "--account", "herald"),
                *("--address", f"{host}:{port}", "#heralds", f"hear {code}"),
            )
            assert done.returncode == code, done.stderr
        monkeypatch.delenv("ROOST_PASSWORD")
        done = run_roost(
            "say", "--nick", "asker", "-a", f"{host}:{port}", "NickServ", "INFO herald"
        )
        assert done.returncode == 0, done.stderr
        line = reader.expect("PRIVMSG", "#heralds", "hear 0")
        assert (line.nick, line.tags["account"]) == ("herald", "herald")
        assert not [one for one in reader.sync() if one.text == "hear 1"]


def test_scripts_log_in_by_certificate(cluster: Cluster, tmp_path: Path) -> None:
    files = self_signed(tmp_path, "clerk")
    with cluster.client("clerk").register() as clerk:
        make_account(clerk)
        clerk.send(f"NS CERT ADD {fingerprint(files)}")
        clerk.expect("NOTICE", source="NickServ")
    settings = tmp_path / "settings.toml"
    settings.write_text(f'account = "clerk"\ncertificate = "{both_in_one(files)}"\n')
    port = cluster.tls_address[1]
    with cluster.client("listener").register() as listener:
        listener.join("#clerks")
        listener.send("CAP REQ account-tag")
        done = run_roost(
            *("say", "--nick", "clerk", "--settings", str(settings)),
            *("--address", f"ircs://localhost:{port}", "--ca", str(cluster.authority)),
            *("#clerks", "filed"),
        )
        assert done.returncode == 0, done.stderr
        line = listener.expect("PRIVMSG", "#clerks", "filed")
        assert (line.nick, line.tags["account"]) == ("clerk", "clerk")
