"""SEARCH, by the words of the soju.im/search specification."""

import pytest

from support.dialogue import Client, World

CAPABILITIES = ("soju.im/search", "batch", "server-time", "message-tags")


def town() -> tuple[World, Client]:
    world = World()
    jackie, bill = world.register("jackie"), world.register("bill")
    for client in (jackie, bill):
        client.send("JOIN #chan")
    for client, text in (
        (jackie, "Be what you want"),
        (bill, "That was fast!"),
        (jackie, "Fasting is hard."),
        (jackie, "Want what you be"),
    ):
        world.time_ms += 1000
        client.send(f"PRIVMSG #chan :{text}")
    bill.send("PRIVMSG asker :fast, but private", "PRIVMSG jackie :fast, and nobody else's")
    asker = world.register("asker", *CAPABILITIES)
    bill.send("PRIVMSG asker :fast, but private")
    asker.send("JOIN #chan")
    asker.lines()
    return world, asker


def found(asker: Client, attributes: str) -> list[str]:
    asker.send(f"SEARCH {attributes}")
    first, *messages, last = asker.messages()
    assert first.parameters[1:] == ("soju.im/search",)
    assert last.command == "BATCH"
    assert all(message.command in ("PRIVMSG", "NOTICE") for message in messages)
    return [message.parameters[-1] for message in messages]


def test_from_and_in() -> None:
    """`in`: the message was sent to this target (channel or user). `from`: the message was sent
    with this nick."""
    _, asker = town()
    said = ["Be what you want", "Fasting is hard.", "Want what you be"]
    assert found(asker, "from=jackie;in=#chan") == said
    assert found(asker, "from=JACKIE;in=#CHAN") == said
    assert found(asker, "in=bill") == ["fast, but private"]


def test_text_matches_the_beginnings_of_words_in_any_case() -> None:
    """`text`: the message text matches the specified text. The actual algorithm used for matching
    the text is implementation defined."""
    _, asker = town()
    assert found(asker, "text=fast;in=#chan") == ["That was fast!", "Fasting is hard."]
    assert found(asker, r"text=what\swant;in=#chan") == ["Be what you want", "Want what you be"]
    assert found(asker, 'text="AND"*) OR (;in=#chan'.replace(" ", r"\s")) == []


def test_without_in_all_that_the_client_may_read_is_searched() -> None:
    _, asker = town()
    assert found(asker, "text=fast") == ["That was fast!", "Fasting is hard.", "fast, but private"]
    asker.send("PART #chan")
    asker.lines()
    assert found(asker, "text=fast") == ["fast, but private"]


def test_limit_and_times() -> None:
    """`after`: the message was sent at or after this time [...] `before`: the message was sent at
    or before this time [...] `limit`: a number representing an upper bound on the count of
    messages to return."""
    _, asker = town()
    assert found(asker, "in=#chan;limit=2") == ["Fasting is hard.", "Want what you be"]
    at = "2023-11-14T22:13:2{}.000Z"
    assert found(asker, f"in=#chan;limit=2;after={at.format(1)}") == [
        "Be what you want",
        "That was fast!",
    ]
    assert found(asker, f"in=#chan;limit=2;before={at.format(3)}") == [
        "Be what you want",
        "That was fast!",
    ]
    assert found(asker, "in=#chan;limit=0") == []


def test_nothing_found_is_an_empty_batch() -> None:
    """If no content exists to return, the server SHOULD return an empty batch in order to avoid the
    client waiting for a reply."""
    _, asker = town()
    assert found(asker, "before=2010-01-01T00:00:00.000Z;in=#chan") == []


def test_the_messages_are_those_that_were_seen() -> None:
    """When provided, the msgid tag that identifies each individual message in a response MUST be
    the msgid tag as originally sent by the IRC server."""
    world, asker = town()
    bill = list(world.clients.values())[1]
    bill.send("PRIVMSG #chan :unmistakable")
    (live,) = asker.messages()
    asker.send("SEARCH text=unmistakable")
    again = asker.messages()[1]
    assert dict(again.tags)["msgid"] == dict(live.tags)["msgid"]
    assert dict(again.tags)["time"] == dict(live.tags)["time"]


@pytest.mark.parametrize(
    ("attributes", "invalid"),
    [
        ("in=#elsewhere", "in"),
        ("limit=x", "limit"),
        ("after=yesterday", "after"),
        ("colour=red", "colour"),
        ("text=!!!", "text"),
    ],
)
def test_invalid_attributes_are_named(attributes: str, invalid: str) -> None:
    """If the selectors were invalid, the `INVALID_PARAMS` error code SHOULD be returned."""
    world, asker = town()
    world.register("stranger").send("JOIN #elsewhere")
    asker.send(f"SEARCH {attributes}")
    (answer,) = asker.messages()
    assert (answer.command, *answer.parameters[:3]) == ("FAIL", "SEARCH", "INVALID_PARAMS", invalid)


def test_a_search_that_takes_too_long_fails() -> None:
    """If the search cannot be run due to an internal error, the `INTERNAL_ERROR` error code SHOULD
    be returned."""
    world, asker = town()
    server = world.servers[0]
    world.answer = lambda _node, ticket, _query: server.answer_failed(ticket, "too long")  # type: ignore[method-assign]
    asker.send("SEARCH text=fast")
    (answer,) = asker.messages()
    assert answer.parameters[:2] == ("SEARCH", "INTERNAL_ERROR")
