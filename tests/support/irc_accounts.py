"""Creates accounts and logs in, as clients do."""

import base64

from support.irc_client import CAPABILITIES, IrcClient, Line

PASSWORD = "correct-horse-battery"


def log_in(client: IrcClient, account: str, password: str) -> IrcClient:
    """Register with SASL PLAIN, and wait for the end of the welcome."""
    client.send("CAP LS 302", f"NICK {client.nick}", f"USER {client.nick} 0 * :{client.nick}")
    client.expect("CAP", where=lambda line: line.parameters[1] == "LS")
    client.send(f"CAP REQ :{' '.join(CAPABILITIES)} sasl")
    client.expect("CAP", where=lambda line: line.parameters[1] == "ACK")
    client.send("AUTHENTICATE PLAIN")
    client.expect("AUTHENTICATE", "+")
    client.send(f"AUTHENTICATE {plain(account, password)}")
    verdict = client.expect_any("903", "904")
    assert verdict.command == "903", verdict
    client.send("CAP END")
    client.expect_any("376", "422")
    return client


def plain(account: str, password: str) -> str:
    return base64.b64encode(f"\0{account}\0{password}".encode()).decode()


def make_account(client: IrcClient, password: str = PASSWORD) -> None:
    """Register the nickname of a client as an account."""
    client.send(f"PRIVMSG NickServ :REGISTER {password}")
    client.expect("NOTICE", client.nick, source="NickServ", where=is_logged_in)


def is_logged_in(line: Line) -> bool:
    return line.text.startswith("You are logged in as ")
