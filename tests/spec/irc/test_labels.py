"""labeled-response and batch (ircv3.net/specs/extensions/labeled-response, batch)."""

import pytest

from support.dialogue import Client, World

LABELS = ("labeled-response", "batch")


def person(*more: str) -> Client:
    return World().register("alice", *LABELS, *more)


def test_single_line_is_tagged() -> None:
    alice = person()
    alice.send("@label=abc PING x", "@label=dc11 PRIVMSG nobody :Hello")
    assert alice.lines() == [
        "@label=abc :roost.local PONG roost.local x",
        "@label=dc11 :roost.local 401 alice nobody :No such nick/channel",
    ]


def test_command_without_response_is_acknowledged() -> None:
    """Servers MUST respond with a labeled `ACK` message when a client sends a labeled command
    that normally produces no response."""
    alice = person()
    alice.send("@label=1 PONG x", "@label=2 PRIVMSG alice :to myself", "@label=3 NOTICE nobody :x")
    assert [line for line in alice.lines() if line.startswith("@")] == [
        "@label=1 :roost.local ACK",
        "@label=2 :roost.local ACK",
        "@label=3 :roost.local ACK",
    ]


def test_several_lines_are_a_batch() -> None:
    """If a response consists of more than one message, a batch MUST be used to group them into a
    single logical response. The start of the batch MUST be tagged with the `label` tag."""
    alice = person()
    alice.send("@label=j JOIN #a")
    start, *inner, end = alice.messages()
    reference = start.parameters[0].removeprefix("+")
    assert start.tags == (("label", "j"),)
    assert start.parameters == (f"+{reference}", "labeled-response")
    assert [line.command for line in inner] == ["JOIN", "353", "366"]
    assert all(line.tags == (("batch", reference),) for line in inner)
    assert (end.command, end.parameters, end.tags) == ("BATCH", (f"-{reference}",), ())


def test_echo_is_labelled_and_the_delivery_to_oneself_is_not() -> None:
    """When a client sends a message to itself, the server MUST NOT include the label tag, except
    for any acknowledgment sent with the echo-message mechanism."""
    alice = person("echo-message")
    alice.send("@label=m PRIVMSG alice :memo")
    assert sorted(alice.lines()) == [
        ":alice!alice@host PRIVMSG alice :memo",
        "@label=m :alice!alice@host PRIVMSG alice :memo",
    ]


def test_labels_need_batch() -> None:
    """This specification depends on the `batch` capability which MUST be negotiated to use
    labeled responses."""
    alice = World().register("alice", "labeled-response")
    alice.send("@label=abc PING x")
    assert alice.lines() == [":roost.local PONG roost.local x"]


def test_label_that_is_too_long_is_none() -> None:
    """The value MUST NOT exceed 64 bytes."""
    alice = person()
    alice.send(f"@label={'x' * 65} PING x", f"@label={'x' * 64} PING x")
    assert [bool(line.tags) for line in alice.messages()] == [False, True]


def test_label_is_escaped_as_it_came() -> None:
    alice = person()
    alice.send(r"@label=a\sb\:c PING x")
    assert alice.lines() == [r"@label=a\sb\:c :roost.local PONG roost.local x"]


def test_labels_are_not_relayed() -> None:
    world = World()
    alice = world.register("alice", *LABELS, "message-tags")
    bob = world.register("bob", *LABELS, "message-tags")
    alice.send("@label=x PRIVMSG bob :hi")
    (line,) = bob.messages()
    assert [name for name, _ in line.tags] == ["msgid"]


def test_quit_is_answered_with_a_labelled_error() -> None:
    alice = person()
    alice.send("@label=q QUIT :bye")
    assert alice.lines() == ["@label=q ERROR :Closing link: host (Quit: bye)"]


def test_standard_reply_is_labelled() -> None:
    """This message SHOULD also be given a label, if one was provided by the client."""
    alice = person("standard-replies")
    alice.send(f"@label=s SETNAME :{'x' * 151}")
    assert alice.lines() == [
        "@label=s :roost.local FAIL SETNAME INVALID_REALNAME :Realname is not valid"
    ]


def test_batch_references_are_not_used_twice() -> None:
    alice = person()
    alice.send("@label=1 JOIN #a", "@label=2 JOIN #b")
    starts = [line for line in alice.messages() if line.parameters[0].startswith("+")]
    assert len({line.parameters[0] for line in starts}) == 2


def test_last_line_of_a_registration_is_answered_once() -> None:
    """Servers MUST include the tag in exactly one logical message. (The welcome, or the refusal, is
    what the line that completes the registration is answered with.)"""
    world = World()
    world.register("alice")
    client = world.connect()
    client.send(f"CAP REQ :{' '.join(LABELS)}", "NICK alice", "USER b 0 * :B")
    client.lines()
    client.send("@label=e CAP END")
    assert client.lines() == ["@label=e :roost.local 433 * alice :Nickname is already in use"]
    client.send("@label=n NICK bob")
    first, *others = client.messages()
    assert (first.command, first.tags) == ("BATCH", (("label", "n"),))
    assert others[0].command == "001"
    assert not any("label" in dict(line.tags) for line in others)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"@label=x PRIVMSG bob :\xff", "FAIL"),
        (b"@label=x PING " + b"x" * 600, "417"),
        (b"@label=x 1bad", "421"),
        (b"@label=x PING a\0b", "FAIL"),
    ],
)
def test_a_line_that_is_no_message_is_answered_under_its_label(line: bytes, command: str) -> None:
    """For any message received from a client that includes this tag, the server MUST include the
    same tag and value in any response produced from this message, in the absence of exceptional
    conditions that prevent it from doing so."""
    client = World().register("alice", "labeled-response", "batch", "standard-replies")
    client.send(line)
    (answer,) = client.messages()
    assert answer.command == command
    assert dict(answer.tags)["label"] == "x"


@pytest.mark.parametrize("line", [b"@label=\xff PING x", b"@label=a\0b PING", b"@label=x"])
def test_a_label_that_is_at_fault_itself_is_none(line: bytes) -> None:
    client = World().register("alice", "labeled-response", "batch")
    client.send(line)
    assert all("\0" not in received for received in client.lines())
