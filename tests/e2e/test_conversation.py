"""Users on different nodes see one conversation."""

from contextlib import ExitStack, closing

from support.cluster import Cluster
from support.irc_client import Line


def _what(line: Line) -> tuple[object, ...]:
    """Return everything in a line that must be the same wherever it is seen."""
    return (
        line.tags["msgid"],
        line.tags["time"],
        line.source,
        line.command,
        line.parameters,
    )


def test_two_people_on_two_nodes_see_the_same_messages(cluster: Cluster) -> None:
    anna, first = cluster.client_on_new_node("anna1")
    with closing(anna):
        bert, second = cluster.client_on_new_node("bert1")
        with closing(bert):
            assert first != second
            anna.join("#talk1")
            bert.join("#talk1")
            anna.expect("JOIN", "#talk1", source="bert1")
            said = anna.say("#talk1", "hello, is anybody here?")
            heard = bert.expect("PRIVMSG", "#talk1", source="anna1")
            assert _what(said) == _what(heard)
            said = bert.say("#talk1", "I am: \u00fcberall \U0001f414")
            heard = anna.expect("PRIVMSG", "#talk1", source="bert1")
            assert _what(said) == _what(heard)


def test_everybody_sees_one_order(cluster: Cluster) -> None:
    with ExitStack() as stack:
        clients, nodes = [], set()
        for number in range(3):
            client, node = cluster.client_on_new_node(f"racer{number}")
            stack.callback(client.close)
            clients.append(client)
            nodes.add(node)
        assert nodes == {"n1", "n2", "n3"}
        for client in clients:
            client.join("#race")
        for client in clients:
            client.send(*(f"PRIVMSG #race :{client.nick} {count}" for count in range(20)))
        orders = []
        for client in clients:
            heard = [client.expect("PRIVMSG", "#race") for _ in range(60)]
            orders.append([_what(line) for line in heard])
        assert orders[0] == orders[1] == orders[2]
        ids = [str(what[0]) for what in orders[0]]
        assert ids == sorted(set(ids))


def test_history_is_what_was_seen_live(cluster: Cluster) -> None:
    with cluster.client("anna2") as anna, cluster.client("bert2") as bert:
        anna.register().join("#past")
        bert.register().join("#past")
        live = [anna.say("#past", f"number {count}") for count in range(12)]
        bert.expect("PRIVMSG", "#past", "number 11")
        latest = bert.history("LATEST #past * 10")
        assert [_what(line) for line in latest if line.command == "PRIVMSG"] == [
            _what(line) for line in live[2:]
        ]
        middle = live[5].tags["msgid"]
        before = bert.history(f"BEFORE #past msgid={middle} 3")
        assert [line.text for line in before] == ["number 2", "number 3", "number 4"]
        after = bert.history(f"AFTER #past timestamp={live[9].tags['time']} 50")
        assert [line.text for line in after][-1] == "number 11"


def test_private_messages_have_history_on_both_sides(cluster: Cluster) -> None:
    with cluster.client("anna3") as anna, cluster.client("bert3") as bert:
        anna.register()
        bert.register()
        said = anna.say("bert3", "between us")
        heard = bert.expect("PRIVMSG", "bert3", source="anna3")
        assert _what(said) == _what(heard)
        assert [_what(line) for line in anna.history("LATEST bert3 * 5")] == [_what(said)]
        assert [_what(line) for line in bert.history("LATEST anna3 * 5")] == [_what(said)]


def test_a_nickname_is_unique_across_nodes(cluster: Cluster) -> None:
    first, node = cluster.client_on_new_node("unique")
    with closing(first), cluster.client("UNIQUE") as second:
        second.send("NICK UNIQUE", "USER second 0 * :second")
        assert second.expect("433").parameters[1] == "UNIQUE"
        second.send("NICK other4")
        second.expect("001", "other4")
        assert node
