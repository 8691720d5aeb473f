"""no-implicit-names (ircv3.net/specs/extensions/no-implicit-names)."""

from support.dialogue import World


def test_entering_is_answered_without_names() -> None:
    """When negotiated, servers MUST NOT send an implicit `NAMES` reply after sending a `JOIN`
    message. Servers MUST reply to explicit `NAMES` commands sent by the client as usual."""
    world = World()
    alice = world.register("alice", "no-implicit-names")
    alice.send("JOIN #a", "TOPIC #a :eggs")
    alice.lines()
    alice.send("NAMES #a")
    alice.expect(
        ":roost.local 353 alice = #a :@alice", ":roost.local 366 alice #a :End of /NAMES list"
    )
    bob = world.register("bob", "no-implicit-names")
    bob.send("JOIN #a")
    bob.expect(
        ":bob!bob@host JOIN #a",
        ":roost.local 332 bob #a eggs",
        ":roost.local 333 bob #a ...",
    )


def test_a_second_client_and_a_renamed_room_have_none_either() -> None:
    world = World()
    desk = world.register("alice", account="Alice")
    desk.send("JOIN #a")
    desk.lines()
    phone = world.register("alice", "no-implicit-names", account="Alice")
    phone.expect(":alice!alice@host JOIN #a")
    desk.send("JOIN #b")
    phone.expect(":alice!alice@host JOIN #b")
    desk.send("RENAME #b #c")
    phone.expect(":alice!alice@host PART #b", ":alice!alice@host JOIN #c")
