"""Messages are found by their words on every node, even on one that was away."""

from support.cluster import Cluster
from support.irc_client import CAPABILITIES, IrcClient


def search(client: IrcClient, attributes: str) -> list[str]:
    client.send(f"SEARCH {attributes}")
    client.expect("BATCH", where=lambda line: line.parameters[-1] == "soju.im/search")
    texts: list[str] = []
    while True:
        message = client.read()
        if message.command == "BATCH":
            return texts
        texts.append(message.text)


def test_every_node_finds_what_was_said_while_one_of_them_was_dead(cluster: Cluster) -> None:
    with cluster.client("alice").register() as alice:
        alice.join("#archive")
        leader = cluster.leader()
        old_pid = cluster.kill(leader)
        for number in range(20):
            alice.say("#archive", f"Meeting number {number} about herons")
        alice.sync()
        assert search(alice, r"text=meeting\snumber;limit=3")[-1].startswith("Meeting number 19")
        cluster.wait_back(leader, old_pid)
        cluster.wait_whole()
        readers = []
        for number in range(6):
            reader = cluster.client(f"reader{number}")
            reader.register(capabilities=(*CAPABILITIES, "soju.im/search"))
            reader.join("#archive")
            readers.append(reader)
        for reader in readers:
            assert len(search(reader, "text=HERON;in=#archive")) == 20
            assert search(reader, "text=17;from=alice") == ["Meeting number 17 about herons"]
            reader.close()
