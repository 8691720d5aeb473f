"""A cluster whose old history is in a real PostgreSQL, which dies, hangs, and is cut off."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from roost.cli.status import Cluster as Status
from roost.node.archive import UNREACHABLE
from roost.ops import clock
from support.background_load import BackgroundLoad
from support.cluster import Cluster
from support.irc_client import CAPABILITIES, IrcClient
from support.postgres import PostgresServer, Relay

LOCAL_DAYS = 2 / 86_400
"""Two seconds."""
PATIENCE_S = 30.0
ROOM = "#archive"
SAYS = (*CAPABILITIES, "standard-replies", "soju.im/search")


def wait(condition: Callable[[], object], what: str) -> None:
    deadline = clock.monotonic() + PATIENCE_S
    while not condition():
        assert clock.monotonic() < deadline, what
        time.sleep(0.1)


def texts(postgres: PostgresServer, database: str) -> list[str]:
    """Return the texts of all messages in the archive, each as often as it is there."""
    lines = postgres.sql(
        database,
        "SELECT encode(record, 'escape') FROM roost.rows WHERE kind = 0 ORDER BY position, part",
    )
    return re.findall(r"PRIVMSG.*?([mt]\d+)\\220", lines)


def ask(client: IrcClient, command: str) -> str:
    """Ask for history; return what the client is told if there is none, and nothing if there is."""
    client.send(command)
    line = client.expect_any("FAIL", "BATCH")
    if line.command == "FAIL":
        return line.text
    client.expect("BATCH", where=lambda end: end.parameters[0].startswith("-"))
    return ""


def have_dropped(cluster: Cluster, last: int) -> bool:
    """Return whether no node holds messages up to a position itself any more."""
    dropped = dict.fromkeys(("n1", "n2", "n3"), 0)
    for line in cluster.log().splitlines():
        if '"history-dropped"' in line:
            event = json.loads(line)
            dropped[event["process"]] = event["until"]
    return min(dropped.values()) >= last


def are_told(status: Status, words: str) -> bool:
    return all(node.state == "ready" and words in node.reason for node in status.nodes)


def make_read_only(cluster: Cluster, postgres: PostgresServer) -> None:
    """Let the database be like a standby, until the node that writes says what to do."""
    postgres.sql("postgres", "ALTER DATABASE archived SET default_transaction_read_only = on")
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'archived'"
    postgres.sql("postgres", ends)
    cluster.wait_for(
        lambda status: any("address of the primary" in node.reason for node in status.nodes),
        "the one that writes says what to do",
    )


def make_writable(cluster: Cluster, postgres: PostgresServer) -> None:
    """Let the database take changes again, until no node complains."""
    # Connections for writing are made anew after each refusal.
    postgres.sql("postgres", "ALTER DATABASE archived RESET default_transaction_read_only")
    cluster.wait_for(
        lambda status: not any(node.reason for node in status.nodes), "it takes all again"
    )


@pytest.fixture
def relay(postgres: PostgresServer) -> Iterator[Relay]:
    with closing(Relay(postgres.port)) as opened:
        yield opened


@pytest.fixture
def archived(
    postgres: PostgresServer, relay: Relay, tmp_path: Path, start_cluster: Callable[..., Cluster]
) -> Cluster:
    """Start a cluster whose nodes hold two seconds of history themselves."""
    postgres.create("archived")
    file = tmp_path / "up.toml"
    file.write_text(f"[node.history]\nlocal_days = {LOCAL_DAYS}\n")
    url = postgres.url("archived").replace(str(postgres.port), str(relay.port))
    return start_cluster(arguments=("--config", str(file), "--history", url))


def test_postgresql_may_die_hang_or_be_cut_off_while_people_talk(
    archived: Cluster, postgres: PostgresServer, relay: Relay
) -> None:
    def archive(client: IrcClient) -> list[str]:
        return [line.text for line in client.history(f"BEFORE {ROOM} {newest} 100")]

    with archived.client("ann").register(capabilities=SAYS) as ann:
        ann.join(ROOM)
        said = [f"t{number}" for number in range(100)]
        first = ann.say(ROOM, said[0]).tags["msgid"]
        for text in said[1:]:
            ann.say(ROOM, text)
        newest = f"msgid={ann.say(ROOM, 't100').tags['msgid']}"
        last = int(newest.removeprefix("msgid=").partition("-")[0], 16)
        older = f"CHATHISTORY AFTER {ROOM} msgid={first} 10"
        said.append("t100")
        wait(lambda: texts(postgres, "archived") == said, "the archive has everything")
        with BackgroundLoad(archived, clients=60, rooms=6, rate=40.0) as load:
            for name, stop, go_on in (
                ("killed", postgres.kill, postgres.start),
                ("stopped", postgres.stop, postgres.go_on),
                ("cut off", relay.cut, relay.join),
            ):
                with load.measured("PostgreSQL works", pause_ms_max=3_000):
                    wait(lambda: have_dropped(archived, last), f"{name}: old history is dropped")
                    wait(lambda: archive(ann)[-100:] == said[:100], f"{name}: old history")
                    load.wait_said(20)
                with load.measured(f"PostgreSQL {name}", pause_ms_max=3_000):
                    stop()
                    archived.wait_for(lambda status: are_told(status, "old history"), name)
                    assert UNREACHABLE in ask(ann, older)
                    # What was said a moment ago is on the nodes.
                    ann.say(ROOM, "t101")
                    assert ann.history(f"LATEST {ROOM} * 1")[0].text == "t101"
                    load.wait_said(40)
                go_on()
                said.append("t101")
                archived.wait_for(lambda status: are_told(status, ""), f"{name} is over")
                archived.wait_for(
                    lambda status: not any(node.reason for node in status.nodes), "no complaint"
                )
            with load.measured("PostgreSQL is a standby", pause_ms_max=3_000):
                make_read_only(archived, postgres)
                wait(lambda: not ask(ann, older), "every node has another connection")
                assert archive(ann)[-100:] == said[:100], "old history is still read"
                load.wait_said(20)
            make_writable(archived, postgres)
        sent = load.report.sent
        wait(lambda: len(texts(postgres, "archived")) >= sent + len(said), "all rows")
        found = texts(postgres, "archived")
        assert len(found) == sent + len(said), "some are there twice"
        assert [text for text in found if text.startswith("t")] == said
        assert len({text for text in found if text.startswith("m")}) == sent
        shown = [line.text for line in ann.history(f"AFTER {ROOM} msgid={first} 100")]
        assert shown == said[1:101]
