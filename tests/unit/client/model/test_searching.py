"""Searches in everything that the server keeps, and jumps to what they find."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.client.model import EntryKind, Query, QueryError, SearchState
from roost.client.model.effects import Jump
from roost.client.model.hits import parse_query
from roost.client.model.incoming import format_time
from roost.client.model.message_links import parse_message_link
from support.answered_model import NOW, Client
from support.fake_irc_network import START_MS, WITHOUT_IDS, Connection, Network


def lines(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


def make_network(count: int = 60, page: int = 6) -> Network:
    network = Network(page=page)
    for number in range(count):
        network.say("bob", f"line {number}")
    return network


def test_a_search_asks_the_server_and_shows_the_newest_first() -> None:
    network = Network(page=3)
    for number in range(5):
        network.say("bob", f"tea; number\\ {number}")
        network.say("carol", "coffee")
    client = Client(network)
    client.model.find(Query("TEA; number\\", sender="bob", place="#room"))
    client.settle()
    asked = next(line for line in client.sent if " SEARCH " in line or line.startswith("SEARCH"))
    assert "text=TEA\\:\\snumber\\\\;from=bob;in=#room;limit=50" in asked
    found = client.model.search
    assert found.state is SearchState.COMPLETE
    assert [hit.text[-1] for hit in found.hits] == ["4", "3", "2"]
    assert found.hits[0].key == "#room"


def test_older_hits_follow_without_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.client.model.searching.PAGE", 3)
    network = Network(page=3)
    for number in range(7):
        network.say("bob", f"tea {number}")
    client = Client(network)
    client.model.find(Query("tea"))
    client.settle()
    assert client.model.search.is_more
    for _ in range(5):
        client.model.find_older()
        client.settle()
    assert [hit.text for hit in client.model.search.hits] == [f"tea {n}" for n in range(6, -1, -1)]
    assert not client.model.search.is_more


def test_an_answer_to_an_earlier_search_is_ignored() -> None:
    client = Client(make_network())
    client.model.find(Query("line 3"))
    client.model.find(Query("line 41"))
    client.settle()
    assert [hit.text for hit in client.model.search.hits] == ["line 41"]


def test_a_search_that_fails_says_why_and_a_lost_connection_too() -> None:
    client = Client(make_network())
    client.model.find(Query("x"))
    label = client.model.search.label
    line = f"@label={label} :s FAIL SEARCH INTERNAL_ERROR :It took too long"
    client.model.receive(line.encode(), NOW)
    assert client.model.search.state is SearchState.FAILED
    assert client.model.search.problem == "It took too long"
    client.model.find(Query("y"))
    client.model.disconnected(NOW, None, None)
    assert client.model.search.state is SearchState.FAILED


def test_a_server_that_cannot_search_has_its_loaded_messages_searched() -> None:
    network = Network(WITHOUT_IDS, page=20)
    for number in range(10):
        network.say("bob", f"\x02tea\x02 number {number}")
    client = Client(network)
    client.model.find(Query("Tea 7"))
    found = client.model.search
    assert found.is_loaded_only
    assert [hit.text for hit in found.hits] == ["tea number 7"]


def test_a_jump_loads_what_surrounds_a_message_between_two_gaps() -> None:
    client = Client(make_network())
    end = client.texts[0]
    client.go_to(20)
    assert client.jumps == ["line 20"]
    assert client.texts[:7] == [*lines(17, 22), "GAP"]
    assert client.texts[7] == end
    client.go_to(40)
    assert client.jumps[-1] == "line 40"
    assert client.texts[:14] == [*lines(17, 22), "GAP", *lines(37, 42), "GAP"]
    client.go_to(10)
    assert client.texts[:14] == [*lines(7, 12), "GAP", *lines(17, 22), "GAP"]


def test_pages_that_overlap_join_and_a_gap_that_is_filled_closes() -> None:
    client = Client(make_network())
    client.go_to(20)
    client.go_to(30)
    client.go_to(25)
    assert client.texts[:17] == [*lines(17, 32), "GAP"]
    client.go_to(28)
    client.go_to(35)
    assert client.texts[:22] == [*lines(17, 37), "GAP"]


def test_a_gap_is_filled_up_to_the_next_island_and_then_behind_it() -> None:
    client = Client(make_network())
    client.go_to(10)
    client.go_to(30)
    while "GAP" in client.texts:
        entries = client.model.conversations["#room"].entries
        gap = next(entry for entry in entries if entry.kind is EntryKind.GAP)
        client.model.fill_gap("#room", gap)
        client.settle()
    assert client.texts == lines(7, 59)
    while client.model.conversations["#room"].history.is_more_above:
        client.model.load_older("#room")
        client.settle()
    assert client.texts == lines(0, 59)


def test_a_jump_to_a_date_inside_a_gap_loads_that_date() -> None:
    client = Client(make_network())
    client.go_to(10)
    client.model.jump_to_date("#room", START_MS + 30_000)
    client.settle()
    assert client.jumps[-1] == "line 30"
    client.model.jump_to_date("#room", START_MS + 11_000)
    assert [effect.entry.text for effect in client.model.effects if isinstance(effect, Jump)] == [
        "line 11"
    ]


def test_a_gap_left_by_a_lost_connection_and_a_jump_do_not_mix_up_the_order() -> None:
    network = make_network()
    client = Client(network)
    client.connection.close()
    client.model.disconnected(NOW, None, None)
    for number in range(60, 100):
        network.say("bob", f"line {number}")
    network.sessions.clear()
    client.connection = Connection(network)
    client.model.connecting("test:6667", NOW)
    client.model.connected(NOW, is_secure=False)
    asked = False
    while (lines_out := client.model.take_lines()) or client.connection.out:
        for line in lines_out:
            client.connection.receive(line)
        while client.connection.out:
            client.model.receive(client.connection.out.pop(0), NOW)
            if not asked and client.model.asked:
                asked = True
                client.model.jump_to_message("#room", "id00080")
    shown = [text for text in client.texts if text.startswith("line")]
    assert shown == sorted(shown, key=lambda text: int(text.split()[1]))
    assert shown[-1] == "line 99"
    assert "line 80" in shown


def test_a_message_that_is_gone_and_a_jump_while_offline_are_said() -> None:
    client = Client(make_network())
    client.model.jump_to_message("#room", "id99999")
    client.settle()
    assert client.toasts == ["This message no longer exists"]
    client.model.disconnected(NOW, None, None)
    client.model.jump_to_message("#room", "id00003")
    client.settle()
    assert "not connected" in client.toasts[-1]


def test_a_link_to_a_message_leads_back_to_it() -> None:
    client = Client(make_network())
    client.go_to(20)
    entry = next(e for e in client.model.conversations["#room"].entries if e.text == "line 20")
    link = client.model.message_link("#room", entry)
    assert link == "irc://test:6667/%23room?msgid=id00020"
    assert client.model.follow_link("", link)
    client.settle()
    assert client.jumps == ["line 20", "line 20"]
    assert client.model.follow_link("", "ircs://x/#room?msgid=id00003")
    client.settle()
    assert client.jumps[-1] == "line 3"
    assert not client.model.follow_link("", "https://example.org/?msgid=3")
    assert client.model.follow_link("", "irc://x/%23other?msgid=id00003")
    client.settle()
    assert client.toasts == ["Join #other to read what was said there"]


@pytest.mark.parametrize(
    "text", ["", "two words", "http://x/y?msgid=1", "irc://[x/#r?msgid=1", "irc://x/?msgid=1"]
)
def test_what_is_no_link_to_a_message_is_none(text: str) -> None:
    assert parse_message_link(text) is None


def test_a_query_names_sender_place_and_time() -> None:
    times = {"2026-01-31": 5, "today": 9}
    query = parse_query("green tea from:bob in:#k before:today after:2026-01-31", times.get)
    assert query == Query("green tea", "bob", "#k", 5, 9)
    assert parse_query("from: http://x:1", times.get).words == "from: http://x:1"
    with pytest.raises(QueryError, match="never is no date"):
        parse_query("tea before:never", times.get)
    assert format_time(0).startswith("1970")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 119), max_size=14), st.integers(2, 9))
def test_jumps_gaps_breaks_and_pages_in_any_order_never_mix_or_double(
    steps: list[int], page: int
) -> None:
    network = make_network(60, page)
    client = Client(network)
    for step in steps:
        room = client.model.conversations["#room"]
        gaps = [entry for entry in room.entries if entry.kind is EntryKind.GAP]
        if step < 60:
            client.go_to(step)
        elif step < 75:
            client.model.load_older("#room")
        elif step < 90 and gaps:
            client.model.fill_gap("#room", gaps[step % len(gaps)])
        elif step < 100:
            client.model.jump_to_date("#room", START_MS + (step - 90) * 6000)
        elif step < 110:
            network.say("bob", f"line {len(network.texts())}")
        else:
            client.reconnect()
        client.settle()
        numbers = [int(text.split()[1]) for text in client.texts if text.startswith("line")]
        assert numbers == sorted(set(numbers))
    room = client.model.conversations["#room"]
    while gaps := [entry for entry in room.entries if entry.kind is EntryKind.GAP]:
        client.model.fill_gap("#room", gaps[0])
        client.settle()
    while client.model.conversations["#room"].history.is_more_above:
        client.model.load_older("#room")
        client.settle()
    said = [text for nick, text in network.texts() if nick == "bob"]
    assert [text for text in client.texts if text.startswith("line")] == said
