"""How changes look."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from roost.chat.changes import (
    AccountChanged,
    AwayChanged,
    Change,
    HostChanged,
    Invited,
    Joined,
    Kicked,
    MetadataChanged,
    NickChanged,
    Parted,
    Quitted,
    RealnameChanged,
    Redacted,
    RoomMember,
    RoomModesChanged,
    RoomRenamed,
    Said,
    SessionOpened,
    Source,
    TopicChanged,
    UserModesChanged,
)
from roost.chat.commands.modes import ModeChange
from roost.chat.history import decode_change, encode_change
from roost.chat.ids import Position, RoomId, SessionId, UserId, message_id
from roost.irc.capabilities import DELIVERY_CAPABILITIES, NAMES, Capability
from roost.ircd.rendering.lines import encode
from roost.ircd.rendering.messages import encode_said
from roost.ircd.rendering.renaming import as_in_history
from roost.ircd.rendering.render import kind_of, payload, render
from roost.ircd.rendering.viewer import At, Viewer

ANN = Source(UserId(5), "Ann", "a", "host", "")
ANNA = Source(UserId(5), "Ann", "a", "host", "anna")
ROOM = RoomId(64)
ROOMS = ((ROOM, "#a"),)
POSITION = Position(0x1F)
TIME_MS = 1_700_000_000_005
AT = At(POSITION, TIME_MS, "s")
ALL = sum(NAMES.values())
STAMP = "time=2023-11-14T22:13:20.005Z;msgid=0000000001f-02"
MODES = (
    ModeChange(True, "o", "Bob"),
    ModeChange(True, "i"),
    ModeChange(False, "l"),
    ModeChange(True, "k", "key"),
)


def said(text: str = "hi", verb: str = "PRIVMSG", source: Source = ANN) -> Said:
    tags = (("+x", "a b"),)
    return Said(2, source, verb, ROOM, UserId(0), "#a", 0, text, tags, "", "")


def taken_back(reason: str) -> Redacted:
    number = Position(1)
    return Redacted(2, ANN, ROOM, UserId(0), "#a", "0-00", number, 0, reason, "Bob", "")


TABLE: list[tuple[Change, str, str]] = [
    (said(), "PRIVMSG #a :hi", "PRIVMSG #a :hi"),
    (said("", "TAGMSG"), "", "TAGMSG #a"),
    (
        Joined(2, ANN, ROOM, "#a", "Ann B", "", status=2),
        "JOIN #a",
        "JOIN #a * :Ann B",
    ),
    (Joined(2, ANNA, ROOM, "#a", "Ann B", "", status=2), "JOIN #a", "JOIN #a anna :Ann B"),
    (Parted(2, ANN, ROOM, "#a", ""), "PART #a", "PART #a"),
    (Parted(2, ANN, ROOM, "#a", "bye"), "PART #a :bye", "PART #a :bye"),
    (Kicked(2, ANN, ROOM, "#a", UserId(6), "Bob", "out"), "KICK #a Bob :out", "KICK #a Bob :out"),
    (Kicked(2, ANN, ROOM, "#a", UserId(6), "Bob", ""), "KICK #a Bob :Ann", "KICK #a Bob :Ann"),
    (Quitted(2, ANN, ROOMS, "Quit: bye"), "QUIT :Quit: bye", "QUIT :Quit: bye"),
    (NickChanged(2, ANN, "Anna", ROOMS), "NICK Anna", "NICK Anna"),
    (TopicChanged(2, ANN, ROOM, "#a", ""), "TOPIC #a :", "TOPIC #a :"),
    (
        RoomModesChanged(2, ANN, ROOM, "#a", MODES),
        "MODE #a +oi-l+k Bob key",
        "MODE #a +oi-l+k Bob key",
    ),
    (UserModesChanged(2, ANN, (ModeChange(False, "i"),)), "MODE Ann -i", "MODE Ann -i"),
    (Invited(2, ANN, ROOM, "#a", UserId(6), "Bob", ""), "", "INVITE Bob #a"),
    (AwayChanged(2, ANN, "tea", ROOMS), "", "AWAY :tea"),
    (AwayChanged(2, ANN, "", ROOMS), "", "AWAY"),
    (AccountChanged(2, ANN, "anna", ROOMS), "", "ACCOUNT anna"),
    (AccountChanged(2, ANNA, "", ROOMS), "", "ACCOUNT *"),
    (AccountChanged(2, ANNA, "anna", ()), "", ""),
    (RealnameChanged(2, ANN, "A B", ROOMS), "", "SETNAME :A B"),
    (RoomRenamed(2, ANN, ROOM, "#a", "#b", "", False, None, ()), "", "RENAME #a #b :"),
    (taken_back(""), "", "REDACT #a 0-00"),
    (taken_back("spam"), "", "REDACT #a 0-00 :spam"),
    (SessionOpened(2, ANN, SessionId(1)), "", ""),
]


@pytest.mark.parametrize(("change", "plain", "rich"), TABLE)
def test_bystander_sees_a_change_as_its_capabilities_ask_for(
    change: Change, plain: str, rich: str
) -> None:
    shown = payload(change, AT, Viewer(0))
    assert shown == (f":Ann!a@host {plain}\r\n".encode() if plain else b"")
    shown = payload(change, AT, Viewer(ALL))
    tags = STAMP
    if change.source.account:
        tags += ";account=anna"
    if isinstance(change, Said):
        tags += r";+x=a\sb"
    assert shown == (f"@{tags} :Ann!a@host {rich}\r\n".encode() if rich else b"")


@pytest.mark.parametrize(("change", "_plain", "_rich"), TABLE)
def test_change_looks_the_same_from_history(change: Change, _plain: str, _rich: str) -> None:
    stored = decode_change(encode_change(change))
    for capabilities in (0, ALL):
        viewer = Viewer(capabilities)
        assert render(stored, AT, viewer) == render(change, AT, viewer)


@pytest.mark.parametrize("bit", list(Capability))
def test_only_delivery_capabilities_change_what_a_bystander_sees(bit: Capability) -> None:
    changes = [change for change, _, _ in TABLE]
    changes.append(Joined(2, ANNA, ROOM, "#a", "Ann B", "tea"))
    changes.append(HostChanged(2, ANN, "of.ann", "Ann B", ((ROOM, "#a"),), (1,), ""))
    changes.append(replace(said("a\nb"), breaks=(2,)))
    changes.append(replace(said(), relayer="bridge"))
    differs = any(
        payload(change, AT, Viewer(0)) != payload(change, AT, Viewer(bit))
        for change in [*changes, said(source=ANNA)]
    )
    assert differs == bool(bit & DELIVERY_CAPABILITIES)


PERSONAL: list[Change] = [
    HostChanged(2, ANN, "of.ann", "Ann B", ((ROOM, "#a"), (RoomId(65), "#b")), (1, 2), "tea"),
    RoomRenamed(2, ANN, ROOM, "#a", "#b", "", False, None, (RoomMember(ANN, "Ann B", 2),)),
    MetadataChanged(2, ANN, ROOM, UserId(0), "#a", (("url", "x"), ("avatar", None))),
    Joined(2, ANN, ROOM, "#a", "Ann B", "tea", False, 0),
]
viewers = st.builds(
    Viewer,
    capabilities=st.sets(st.sampled_from(Capability)).map(sum),
    user=st.sampled_from([UserId(5), UserId(6), UserId(7)]),
    rooms=st.dictionaries(st.sampled_from([ROOM, RoomId(65)]), st.just(0)),
    subscribed=st.sets(st.sampled_from(["url", "avatar"])),
    modes=st.sampled_from(["", "w"]),
    nick=st.sampled_from(["ann", "bob"]),
)


@settings(max_examples=400)
@given(viewers, viewers, st.sampled_from(PERSONAL) | st.sampled_from([row[0] for row in TABLE]))
def test_viewers_of_a_kind_see_the_same(one: Viewer, other: Viewer, change: Change) -> None:
    # Invited is about a user (6); of all others only the source matters.
    concerned = (ANN.user, UserId(6))
    shared = one.capabilities & DELIVERY_CAPABILITIES
    other.capabilities = other.capabilities & ~DELIVERY_CAPABILITIES | shared
    if one.user in concerned or other.user in concerned:
        other.user = one.user
    if kind_of(change, one) == kind_of(change, other):
        assert payload(change, AT, one) == payload(change, AT, other)


def test_message_id_is_the_one_that_history_finds() -> None:
    at = At(Position(2**40), TIME_MS, "s")
    (shown,) = render(said(), at, Viewer(Capability.MESSAGE_TAGS))
    assert f"msgid={message_id(Position(2**40), 2)}" in shown.tags


def test_away_follows_a_join_but_is_no_message_of_history() -> None:
    change = Joined(2, ANN, ROOM, "#a", "Ann", "tea")
    away_notify = Capability.AWAY_NOTIFY
    live = payload(change, AT, Viewer(away_notify))
    assert live == b":Ann!a@host JOIN #a\r\n:Ann!a@host AWAY :tea\r\n"
    (shown,) = render(as_in_history(change, "#a"), AT, Viewer(away_notify))
    assert shown.body == ":Ann!a@host JOIN #a"


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u20ac", "\U0001f426"])
def test_lines_are_cut_to_512_bytes_between_characters(character: str) -> None:
    shown = payload(said(character * 600), AT, Viewer(0))
    assert 512 - len(character.encode()) < len(shown) <= 512
    assert shown.decode().rstrip("\r\n").endswith(character)


@given(st.integers(0, ALL), st.sampled_from((ANN, ANNA)), st.text("aé ", max_size=600))
def test_a_plain_message_is_encoded_as_it_is_rendered(
    capabilities: int, source: Source, text: str
) -> None:
    plain = replace(said(text, source=source), tags=())
    lines = [encode(line) for line in render(plain, AT, Viewer(capabilities))]
    assert encode_said(plain, POSITION, TIME_MS, capabilities) == b"".join(lines)
