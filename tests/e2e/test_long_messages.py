"""Multiline messages and redactions, while the node that serves them dies."""

from support.cluster import Cluster
from support.irc_client import CAPABILITIES

MORE = (*CAPABILITIES, "draft/multiline", "draft/message-redaction")


def test_a_batch_survives_its_nodes_death_and_is_taken_back_everywhere(cluster: Cluster) -> None:
    before = {node.name: node.sessions for node in cluster.status().nodes}
    with cluster.client("alice") as alice, cluster.client("bob") as bob:
        alice.register(capabilities=MORE).join("#long")
        serving = cluster.wait_for(
            lambda status: next(n.name for n in status.nodes if n.sessions > before[n.name]),
            "node that serves alice",
        )
        bob.register(capabilities=MORE).join("#long")
        alice.send("BATCH +1 draft/multiline #long", "@batch=1 PRIVMSG #long :first")
        old_pid = cluster.kill(serving)
        alice.send("@batch=1 PRIVMSG #long :second", "BATCH -1", "PRIVMSG #long :after")
        identities = []
        for person in (alice, bob):
            begin = person.expect("BATCH", where=lambda line: line.parameters[0][0] == "+")
            identities.append(begin.tags["msgid"])
            texts = [person.read() for _ in range(4)]
            assert [(line.command, line.text) for line in texts if line.command == "PRIVMSG"] == [
                ("PRIVMSG", "first"),
                ("PRIVMSG", "second"),
                ("PRIVMSG", "after"),
            ]
        assert identities[0] == identities[1]
        alice.send(f"REDACT #long {identities[0]} :never mind")
        for person in (alice, bob):
            shown = person.expect("REDACT", "#long")
            assert shown.parameters[1] == identities[0]
        cluster.wait_back(serving, old_pid)
        cluster.wait_whole()
        for number in range(6):
            with cluster.client(f"reader{number}") as reader:
                reader.register(capabilities=(*MORE, "draft/chathistory")).join("#long")
                reader.send("CHATHISTORY LATEST #long * 100")
                assert reader.expect("PRIVMSG", "#long").text == "(taken back)"
                assert reader.expect("PRIVMSG", "#long").text == "after"
