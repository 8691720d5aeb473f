"""Administrators look after accounts and rooms by the command line, while people chat."""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import msgspec

from support.cluster import Cluster
from support.irc_accounts import PASSWORD, is_logged_in, make_account, plain
from support.irc_client import IrcClient
from support.smtp_server import SmtpServer

NEW_PASSWORD = "battery staple horse"


def roost(cluster: Cluster, *words: str, typed: str = "", fails: bool = False) -> str:
    """Run a command as the administrator; return what it printed, or why it failed."""
    done = subprocess.run(
        [sys.executable, "-m", "roost.cli", *words, "--data", str(cluster.data)],
        input=typed,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode != 0) == fails, done
    return (done.stderr if fails else done.stdout).strip()


def is_refused(cluster: Cluster, account: str, password: str) -> str:
    """Try to log in; return the error's text, or an empty one if it is possible."""
    with cluster.client("visitor") as client:
        client.send(
            "CAP REQ :sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(account, password)}"
        )
        told = client.expect_any("903", "904")
        return told.text if told.command == "904" else ""


def test_accounts_are_looked_after_by_the_command_line(cluster: Cluster) -> None:
    with cluster.client("ppl_eve").register() as eve, cluster.client("ppl_ann").register() as ann:
        for client in (eve, ann):
            make_account(client)
            client.join(f"#ppl_{client.nick}")
            client.send(f"CS REGISTER #ppl_{client.nick}")
        # One after the other, commands would take twice as long.
        with ThreadPoolExecutor() as pool:
            added = pool.submit(roost, cluster, "accounts", "add", "ppl_new", typed=f"{PASSWORD}\n")
            made = pool.submit(roost, cluster, "accounts", "add", "ppl_made", "--generate")
            weak = pool.submit(
                roost, cluster, "accounts", "add", "ppl_weak", typed="short\n", fails=True
            )
            twice = pool.submit(
                roost, cluster, "accounts", "add", "ppl_eve", "--generate", fails=True
            )
        assert added.result() == "The account ppl_new is registered."
        assert not is_refused(cluster, "ppl_new", PASSWORD)
        assert not is_refused(cluster, "ppl_made", made.result())
        assert "at least 8 characters" in weak.result()
        assert "the account ppl_eve exists already: choose another name" in twice.result()

        _suspend(cluster, eve)
        with ThreadPoolExecutor() as pool:
            listed = pool.submit(roost, cluster, "accounts", "list", "ppl_*", "--json")
            suspended = pool.submit(roost, cluster, "accounts", "list", "--suspended")
            shown = pool.submit(roost, cluster, "accounts", "show", "ppl_eve")
            none = pool.submit(roost, cluster, "accounts", "show", "nobody", fails=True)
        names = [account["name"] for account in msgspec.json.decode(listed.result())]
        assert names[:2] == ["ppl_eve", "ppl_ann"]
        assert set(names[2:]) == {"ppl_new", "ppl_made"}
        assert suspended.result().startswith("ppl_eve ")
        assert "rooms        #ppl_ppl_eve" in shown.result()
        assert "there is no account nobody" in none.result()
        roost(cluster, "accounts", "unsuspend", "ppl_eve")
        assert not is_refused(cluster, "ppl_eve", PASSWORD)
        _rename_and_change(cluster, ann)
    assert roost(cluster, "accounts", "delete", "ppl_new", fails=True).startswith(
        "roost: nothing was changed: give --yes"
    )
    assert roost(cluster, "accounts", "delete", "ppl_new", "--yes").endswith("is deleted.")
    assert "Wrong account name or password" in is_refused(cluster, "ppl_new", PASSWORD)
    assert PASSWORD not in cluster.log()


def _suspend(cluster: Cluster, eve: IrcClient) -> None:
    said = roost(cluster, "accounts", "suspend", "ppl_eve", "--for", "7d", "--reason", "spam")
    assert said.startswith("Suspended: ppl_eve until 2")
    assert "Account suspended: spam" in eve.expect("ERROR").text
    assert "is suspended until" in is_refused(cluster, "ppl_eve", PASSWORD)


def _rename_and_change(cluster: Cluster, ann: IrcClient) -> None:
    """Rename an account whose owner is there, give and take rooms, and change its password."""
    assert roost(cluster, "accounts", "rename", "ppl_ann", "ppl_anna") == (
        "The account ppl_ann is now ppl_anna."
    )
    assert ann.expect("NICK", source="ppl_ann").parameters == ("ppl_anna",)
    assert roost(cluster, "rooms", "give", "ppl_ppl_eve", "ppl_anna") == (
        "#ppl_ppl_eve belongs to ppl_anna now."
    )
    roost(cluster, "rooms", "take", "#ppl_ppl_ann", "--yes")
    with ThreadPoolExecutor() as pool:
        registered = pool.submit(roost, cluster, "rooms", "list", "#ppl_*", "--registered")
        shown = pool.submit(roost, cluster, "rooms", "show", "#ppl_ppl_eve")
        changed = pool.submit(
            roost,
            cluster,
            *("accounts", "password", "ppl_anna", "--disconnect"),
            typed=f"{NEW_PASSWORD}\n",
        )
    assert "belongs to ppl_anna" in registered.result()
    assert "#ppl_ppl_ann" not in registered.result()
    assert "founder      ppl_anna" in shown.result()
    assert "The password of ppl_anna is changed" in changed.result()
    assert "password of your account was changed" in ann.expect("ERROR").text
    assert is_refused(cluster, "ppl_anna", PASSWORD)
    assert not is_refused(cluster, "ppl_anna", NEW_PASSWORD)


def test_people_register_with_a_code_where_everybody_has_to_log_in(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    config = tmp_path / "club.toml"
    config.write_text(
        '[node.settings]\nregistration = "invitation"\nlogin_required = true\n', encoding="utf-8"
    )
    cluster = start_cluster(nodes=1, arguments=("--config", str(config)))
    with cluster.client("guest") as guest:
        guest.send("NICK guest", "USER guest 0 * :guest")
        assert "You must log in to an account" in guest.expect("ERROR").text
    code = roost(cluster, "accounts", "invite", "--for", "2h", "--note", "for eve")
    (listed,) = msgspec.json.decode(roost(cluster, "accounts", "invitations", "--json"))
    assert (listed["uses"], listed["note"]) == (1, "for eve")
    with cluster.client("eve") as eve, cluster.client("ann") as ann:
        told = []
        for client in (eve, ann):
            client.send(f"NICK {client.nick}", f"REGISTER {client.nick} {code} {PASSWORD}")
            told.append(client.expect_any("REGISTER", "FAIL").parameters[:2])
        assert told == [("SUCCESS", "eve"), ("REGISTER", "UNACCEPTABLE_EMAIL")]
        eve.send("USER eve 0 * :eve")
        eve.expect("001")
    roost(cluster, "accounts", "invite", "--note", "too many")
    (left,) = msgspec.json.decode(roost(cluster, "accounts", "invitations", "--json"))
    assert left["note"] == "too many"
    roost(cluster, "accounts", "uninvite", left["id"])
    assert roost(cluster, "accounts", "invitations") == ""
    assert roost(cluster, "accounts", "registration", "closed", "--no-login-required") == (
        "registration closed, login not required"
    )
    cluster.client("guest").register().close()
    assert code not in cluster.log()


def test_people_register_and_get_a_new_password_by_mail(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    with SmtpServer() as server:
        config = tmp_path / "mail.toml"
        config.write_text(
            '[node.settings]\nregistration = "email"\n'
            f'[node.irc.mail]\nhost = "127.0.0.1"\nport = {server.port}\n'
            'encryption = "none"\nsender = "chat@example.net"\n',
            encoding="utf-8",
        )
        cluster = start_cluster(nodes=1, arguments=("--config", str(config)))
        with cluster.client("eve") as eve, cluster.client("lost").register() as lost:
            eve.send("NICK eve", f"REGISTER eve eve@example.org {PASSWORD}")
            assert eve.expect("REGISTER").parameters[:2] == ("VERIFICATION_REQUIRED", "eve")
            code = _code(server.wait_message())
            eve.send(f"VERIFY eve {code}", "USER eve 0 * :eve")
            assert eve.expect("VERIFY").parameters[:2] == ("SUCCESS", "eve")
            eve.expect("001")
            lost.send("NS SENDPASS eve")
            lost.expect("NOTICE", "lost", source="NickServ")
            other = _code(server.wait_message())
            lost.send(f"NS RESETPASS eve {other} {NEW_PASSWORD.replace(' ', '-')}")
            assert "The password was changed" in eve.expect("ERROR").text
            lost.send(f"NS IDENTIFY eve {NEW_PASSWORD.replace(' ', '-')}")
            lost.expect("NOTICE", "lost", source="NickServ", where=is_logged_in)
        assert "e-mail       eve@example.org" in roost(cluster, "accounts", "show", "eve")
        assert not server.has_message()
        assert code not in cluster.log()


def _code(message: EmailMessage) -> str:
    found = re.search(r"\b(?:[a-z2-7]{4}-){2}[a-z2-7]{4}\b", message.get_content())
    assert found is not None, message
    return found[0]
