"""What calls the user, by room and by word."""

import pytest

from roost.client.model import Model, Moment, Profile
from roost.client.model.effects import Attention, Toast

START = Moment(100.0, 1_700_000_000_000)


def online(**options: object) -> Model:
    profile = Profile(nick="alice", rooms=("#room", "#dev"), **options)  # type: ignore[arg-type]
    model = Model(profile, "n0")
    model.connecting("s:6667", START)
    model.connected(START, is_secure=False)
    for line in (":s 001 alice :Welcome alice!u@h", ":s 005 alice CHANTYPES=# :are", ":s 422 a :x"):
        model.receive(line.encode(), START)
    for room in ("#room", "#dev"):
        model.receive(f":alice!u@h JOIN {room}".encode(), START)
    model.take_effects()
    return model


def calls(model: Model, room: str, text: str) -> bool:
    model.receive(f":bob!u@h PRIVMSG {room} :{text}".encode(), START)
    return any(isinstance(effect, Attention) for effect in model.take_effects())


def toast(model: Model) -> str:
    effect = model.take_effects()[-1]
    assert isinstance(effect, Toast)
    return effect.text


def test_each_level_of_a_room_calls_for_what_it_says() -> None:
    model = online()
    room = model.conversations["#room"]
    for level, expected, counted in (
        ("all", (True, True), 2),
        ("mentions", (False, True), 2),
        ("none", (False, False), 2),
        ("mute", (False, False), 0),
    ):
        model.submit("#room", f"/notify {level}")
        assert level in toast(model)
        room.unread = room.highlights = 0
        assert (calls(model, "#room", "hi"), calls(model, "#room", "alice: hi")) == expected
        assert (room.unread, room.highlights) == (counted, sum(expected))


def test_the_settings_have_levels_for_rooms_and_for_all_of_them() -> None:
    model = online(levels=(("*", "none"), ("#Dev", "all"), ("bob", "none")))
    assert not calls(model, "#room", "alice: hi")
    assert calls(model, "#dev", "hi")
    assert not calls(model, "alice", "hi")
    model.receive(b":carol!u@h PRIVMSG alice :hi", START)
    assert any(isinstance(effect, Attention) for effect in model.take_effects())


def test_words_call_everywhere_or_in_one_room_and_quiet_ones_nowhere() -> None:
    model = online(highlight_words=("coffee", "#dev deploy"), quiet_words=("automatic",))
    assert calls(model, "#room", "Coffee?")
    assert not calls(model, "#room", "deploy")
    assert calls(model, "#dev", "deploy!")
    assert not calls(model, "#dev", "automatic: deploy for alice")
    assert not calls(model, "#room", "coffeehouse")


def test_words_are_added_and_removed_with_commands() -> None:
    model = online()
    model.submit("#room", "/highlight #room tea time")
    model.take_effects()
    assert calls(model, "#room", "it is tea time")
    assert not calls(model, "#dev", "it is tea time")
    model.submit("#room", "/highlight")
    assert toast(model) == "You watch for: alice, #room tea time"
    model.submit("#room", "/unhighlight #room tea time")
    model.take_effects()
    assert not calls(model, "#room", "it is tea time")
    model.submit("#room", "/unhighlight nothing")
    assert toast(model) == "You do not watch for nothing"


def test_a_level_moves_with_a_renamed_room_and_a_wrong_one_is_explained() -> None:
    model = online()
    model.submit("#room", "/notify mute")
    model.receive(b":op!u@h RENAME #room #tea :", START)
    model.take_effects()
    assert not calls(model, "#tea", "alice: hi")
    assert model.conversations["#tea"].unread == 0
    model.submit("#tea", "/notify sometimes")
    assert toast(model) == "sometimes is none of all, mentions, none, mute"
    model.submit("", "/notify all")
    assert "only in a room" in toast(model)


@pytest.mark.parametrize("level", ["mentions", "all"])
def test_a_read_marker_counts_anew_by_the_rules(level: str) -> None:
    model = online(levels=(("#room", level),))
    for seconds, text in enumerate(("one", "alice: two", "three")):
        line = f"@time=2023-11-14T22:14:0{seconds}.000Z :bob!u@h PRIVMSG #room :{text}"
        model.receive(line.encode(), START)
    model.receive(b":s MARKREAD #room timestamp=2023-11-14T22:14:00.000Z", START)
    room = model.conversations["#room"]
    assert (room.unread, room.highlights) == (2, 1 if level == "mentions" else 2)
