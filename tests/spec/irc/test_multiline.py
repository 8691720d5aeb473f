"""Messages of several lines (ircv3.net/specs/extensions/multiline)."""

import pytest

from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

KNOWING = ("draft/multiline", "batch", "message-tags", "labeled-response", "echo-message")


def town(nodes: int = 1) -> tuple[World, Client, Client, Client]:
    world = World(nodes=nodes)
    ann = world.register("ann", *KNOWING)
    bob = world.register("bob", "draft/multiline", "batch", "message-tags", node=nodes - 1)
    carl = world.register("carl", "message-tags", node=nodes - 1)
    for client in (ann, bob, carl):
        client.send("JOIN #channel")
    for client in (ann, bob, carl):
        client.lines()
    return world, ann, bob, carl


EXAMPLE = (
    "BATCH +123 draft/multiline #channel",
    "@batch=123 PRIVMSG #channel hello",
    "@batch=123 privmsg #channel :how is ",
    "@batch=123;draft/multiline-concat PRIVMSG #channel :everyone?",
    "BATCH -123",
)


def bodies(client: Client) -> list[str]:
    return [line.partition(" ")[2] if line[0] == "@" else line for line in client.lines()]


def test_who_knows_of_it_gets_one_batch() -> None:
    """Server sending the same batch"""
    _, ann, bob, _ = town()
    ann.send(*EXAMPLE)
    begin, *lines, end = bob.messages()
    reference = begin.parameters[0][1:]
    assert begin.parameters == (f"+{reference}", "draft/multiline", "#channel")
    assert "msgid" in dict(begin.tags)
    assert [(m.command, m.parameters) for m in lines] == [
        ("PRIVMSG", ("#channel", "hello")),
        ("PRIVMSG", ("#channel", "how is ")),
        ("PRIVMSG", ("#channel", "everyone?")),
    ]
    assert [m.source for m in (begin, *lines, end)] == ["ann!ann@host"] * 5
    assert all(dict(m.tags)["batch"] == reference for m in lines)
    assert ["draft/multiline-concat" in dict(m.tags) for m in lines] == [False, False, True]
    assert all("msgid" not in dict(m.tags) for m in lines)
    assert end.parameters == (f"-{reference}",)


def test_others_get_its_lines_and_no_blank_ones() -> None:
    """When delivering multiline batches to clients that have not negotiated the multiline
    capability, servers MUST deliver the component messages without using a multiline BATCH.
    Servers MUST NOT send blank lines to clients that have not negotiated the multiline
    capability."""
    _, ann, _, carl = town()
    ann.send(EXAMPLE[0], EXAMPLE[1], "@batch=123 PRIVMSG #channel :", *EXAMPLE[2:])
    lines = carl.messages()
    assert [m.parameters[-1] for m in lines] == ["hello", "how is ", "everyone?"]
    # "Servers MUST only include a message ID on the first message of a batch".
    assert ["msgid" in dict(m.tags) for m in lines] == [True, False, False]


def test_the_label_is_on_the_opening_batch_alone() -> None:
    """Servers MUST only include the label tag on the opening BATCH command when replying to a
    client using `echo-message`."""
    _, ann, _, _ = town()
    ann.send(f"@label=L;+x=y {EXAMPLE[0]}", *EXAMPLE[1:])
    begin, *lines, end = ann.messages()
    assert dict(begin.tags)["label"] == "L"
    assert dict(begin.tags)["+x"] == "y"
    assert all("label" not in dict(m.tags) for m in (*lines, end))
    assert (begin.command, end.command) == ("BATCH", "BATCH")


def test_history_has_it_as_one_message() -> None:
    world, ann, _, _ = town()
    ann.send(*EXAMPLE)
    live = ann.messages()
    assert len([row for row in world.history.rows if row.kind == 0]) == 1
    ann.send("CHATHISTORY LATEST #channel * 5")
    outer, *inner, last = ann.messages()
    assert (outer.parameters[1], last.command) == ("chathistory", "BATCH")
    assert [m.parameters for m in inner] == [m.parameters for m in live]
    assert dict(inner[0].tags)["batch"] == outer.parameters[0][1:] == dict(inner[-1].tags)["batch"]
    assert dict(inner[0].tags)["msgid"] == dict(live[0].tags)["msgid"]
    assert dict(inner[1].tags)["batch"] == inner[0].parameters[0][1:]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ("BATCH +456 draft/multiline #foo", "@batch=456 PRIVMSG #bar hello", "BATCH -456"),
            "MULTILINE_INVALID_TARGET #foo #bar",
        ),
        (
            (EXAMPLE[0], *["@batch=123 PRIVMSG #channel :x"] * 101, "BATCH -123"),
            "MULTILINE_MAX_LINES 100",
        ),
        (
            (EXAMPLE[0], *[f"@batch=123 PRIVMSG #channel :{'x' * 400}"] * 11, "BATCH -123"),
            "MULTILINE_MAX_BYTES 4096",
        ),
        ((EXAMPLE[0], "@batch=123 TOPIC #channel :x", "BATCH -123"), "MULTILINE_INVALID"),
        (
            (EXAMPLE[0], EXAMPLE[1], "@batch=123 NOTICE #channel :x", "BATCH -123"),
            "MULTILINE_INVALID",
        ),
        (("@batch=999 PRIVMSG #channel :x",), "MULTILINE_INVALID"),
        ((EXAMPLE[0], "@batch=123 PRIVMSG #channel :", "BATCH -123"), "MULTILINE_INVALID"),
        ((EXAMPLE[0], "BATCH -123"), "MULTILINE_INVALID"),
        (("BATCH -999",), "MULTILINE_INVALID"),
        (("BATCH +1 draft/other #channel",), "MULTILINE_INVALID"),
        (("BATCH +1 draft/multiline NickServ",), "MULTILINE_INVALID"),
        (
            (EXAMPLE[0], "@batch=123;draft/multiline-concat PRIVMSG #channel :", "BATCH -123"),
            "MULTILINE_INVALID",
        ),
    ],
)
def test_what_is_wrong_is_said_once_and_nobody_else_hears(
    lines: tuple[str, ...], expected: str
) -> None:
    """Servers MUST use `FAIL` messages from the standard replies framework to notify clients of
    errors with multiline batches. The command is `BATCH`"""
    _, ann, bob, carl = town()
    ann.send(*lines)
    (answer,) = bodies(ann)
    assert answer.startswith(f":roost.local FAIL BATCH {expected} :")
    bob.expect_nothing()
    carl.expect_nothing()
    ann.send("PRIVMSG #channel :still here")
    assert bodies(carl) == [":ann!ann@host PRIVMSG #channel :still here"]


def test_a_line_of_an_unknown_batch_does_not_end_the_open_one() -> None:
    """`MULTILINE_INVALID`: any other error"""
    _, ann, bob, _ = town()
    ann.send(*EXAMPLE[:2], "@batch=9 PRIVMSG #channel :lost", "BATCH -123")
    told = [line for line in bodies(ann) if "FAIL" in line]
    assert told == [
        ":roost.local FAIL BATCH MULTILINE_INVALID :The line is not part of an open batch"
    ]
    assert bodies(bob) == [":ann!ann@host PRIVMSG #channel :hello"]


def test_a_batch_of_notices_is_one_notice() -> None:
    """Multiline batches MUST only contain one or more PRIVMSG lines, or one or more NOTICE
    lines."""
    world, ann, bob, carl = town()
    ann.send(*(line.replace("PRIVMSG", "NOTICE").replace("privmsg", "notice") for line in EXAMPLE))
    for lines in (bob.messages()[1:-1], carl.messages(), ann.messages()[1:-1]):
        assert [m.command for m in lines] == ["NOTICE"] * 3
    assert len([row for row in world.history.rows if row.kind == 0]) == 1
    ann.send("BATCH +1 draft/multiline nobody", "@batch=1 NOTICE nobody a")
    ann.send("@batch=1 NOTICE nobody b", "BATCH -1")
    ann.expect_nothing()


@pytest.mark.parametrize("first", ["", "hello"])
def test_client_tags_reach_everybody_blank_lines_or_not(first: str) -> None:
    """All client-only tags associated with the message must be sent attached to the initial BATCH
    command. Any tags that would have been added to the batch MUST be included on the first message
    line to be sent. Tags MAY also be included on subsequent lines where it makes sense to do so."""
    world, ann, bob, carl = town()
    plain = world.register("dora")
    plain.send("JOIN #channel")
    for client in (ann, bob, carl, plain):
        client.lines()
    begin = f"@+draft/reply=1;+x=y {EXAMPLE[0]}"
    blank = "@batch=123 PRIVMSG #channel :"
    ann.send(begin, f"@batch=123 PRIVMSG #channel :{first}", blank, *EXAMPLE[2:])
    assert {"+draft/reply": "1", "+x": "y"}.items() <= dict(bob.messages()[0].tags).items()
    lines = carl.messages()
    assert len(lines) == (3 if first else 2)
    assert all({"+draft/reply": "1", "+x": "y"}.items() <= dict(m.tags).items() for m in lines)
    assert ["msgid" in dict(m.tags) for m in lines] == [True, *[False] * (len(lines) - 1)]
    assert all(not m.tags for m in plain.messages())


@pytest.mark.parametrize("command", ["PRIVMSG #channel :x", "NOTICE bob :x", "@+x=y TAGMSG bob"])
def test_a_message_beside_an_open_batch_ends_it_at_once(command: str) -> None:
    """Once a client has opened a batch, it MUST NOT send any messages that are not part of the
    batch, until it is closed. (client-batch)"""
    _, ann, bob, _ = town()
    ann.send(*EXAMPLE[:2], "PING x", command)
    told = bodies(ann)
    assert [line.split()[1] for line in told] == ["PONG", "FAIL"]
    assert told[1].startswith(":roost.local FAIL BATCH MULTILINE_INVALID :")
    ann.send(*EXAMPLE[2:])
    ann.expect_nothing()
    bob.expect_nothing()
    ann.send(*EXAMPLE)
    assert len(bob.lines()) == 5


def test_a_batch_that_is_left_open_ends() -> None:
    """`TIMEOUT <reference-tag>`: the batch was left open for too long, all past and future messages
    in this batch will be ignored. (client-batch)"""
    _, ann, _, _ = town()
    ann.send(EXAMPLE[0], *["PING x"] * 300)
    assert sum("FAIL BATCH TIMEOUT 123 :" in line for line in ann.lines()) == 1
    assert ann.acknowledged == len(ann.sent)


def test_one_line_is_a_message_as_any_other() -> None:
    _, ann, bob, _ = town()
    ann.send(EXAMPLE[0], EXAMPLE[1], "BATCH -123")
    assert bodies(bob) == [":ann!ann@host PRIVMSG #channel :hello"]


def test_a_blank_line_that_is_gone_on_with_is_one_line() -> None:
    _, ann, bob, _ = town()
    concat = "@batch=123;draft/multiline-concat PRIVMSG #channel :{}"
    blank = "@batch=123 PRIVMSG #channel :"
    ann.send(EXAMPLE[0], blank, concat.format("a"), blank, concat.format("b"), "BATCH -123")
    assert [m.parameters[-1] for m in bob.messages()[1:-1]] == ["a", "b"]


def test_the_capability_tells_the_limits() -> None:
    """The capability MUST be advertised by servers with a REQUIRED value"""
    anna = World().connect()
    anna.send("CAP LS 302")
    assert " draft/multiline=max-bytes=4096,max-lines=100 " in " ".join(anna.lines())


@pytest.mark.parametrize("count", range(1, len(EXAMPLE) + 1))
@pytest.mark.parametrize("is_done", [False, True])
def test_a_node_may_die_after_any_line(count: int, is_done: bool) -> None:
    """The message is said once, and its sender sees it once."""
    world, ann, bob, carl = town(nodes=2)
    ann.send(*EXAMPLE[:count])
    had = ann.lines()
    world.servers[ann.node].trunk_disconnected("b1")
    served = cut_off(world, ann) if is_done and count == len(EXAMPLE) else world.log[-1].position
    if count < len(EXAMPLE):
        assert not ann.acknowledged >= len(ann.sent) - count + 1
    move(world, ann, 1, served)
    ann.send(*EXAMPLE[count:])
    echoes = had + ann.lines()
    assert sum("BATCH +" in line for line in echoes) == 1
    assert sum("BATCH +" in line for line in bob.lines()) == 1
    assert len(carl.lines()) == 3
    assert ann.acknowledged == len(ann.sent)
