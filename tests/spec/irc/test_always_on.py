"""Always-on users, and what they get on coming back (read-marker; pre-away)."""

from support.dialogue import World

KNOWING = ("draft/read-marker", "batch", "server-time", "message-tags")
EARLY = "timestamp=2020-01-01T00:00:00.000Z"


def test_who_opted_in_is_not_seen_to_quit_and_comes_back_to_markers_in_order() -> None:
    """After the server sends a server `JOIN` command to the client for a corresponding channel, the
    server MUST send a `MARKREAD` command for that channel. The command MUST be sent before the
    `RPL_ENDOFNAMES` reply for that channel following the `JOIN`."""
    world = World(nodes=2)
    alice = world.register("alice", *KNOWING, account="alice")
    bob = world.register("bob")
    for room in ("#a", "#b"):
        alice.send(f"JOIN {room}")
        bob.send(f"JOIN {room}")
    alice.send("NS SET ALWAYS-ON true", f"MARKREAD #a {EARLY}")
    bob.lines()
    alice.send("QUIT :bye")
    assert alice.is_closed
    bob.expect_nothing()
    world.restart_balancer()
    carol = world.register("carol")
    carol.send("JOIN #a")
    carol.expect_some(":roost.local 353 carol = #a :@alice carol")
    back = world.connect(node=1)
    world.own(back, "alice")
    back.send(f"CAP REQ :{' '.join(KNOWING)}", "NICK other", "USER a 0 * :A", "CAP END")
    told = back.messages()
    assert told[1].parameters[0] == "alice"
    start = next(n for n, message in enumerate(told) if message.command == "JOIN")
    assert [message.command for message in told[start:]] == ["JOIN", "MARKREAD", "353", "366"] * 2
    assert [m.parameters for m in told[start:] if m.command == "MARKREAD"] == [
        ("#a", EARLY),
        ("#b", "*"),
    ]
    assert "JOIN" not in carol.commands()
