"""What people type who know other IRC clients, and how the answers read."""

import pytest

from roost.client.model import Delivery, Model, Moment
from roost.client.model.commands import ALIASES, COMMANDS
from roost.client.model.effects import Show, Toast
from unit.client.model.test_dialogues import START, dialogue, online


def hear(model: Model, *lines: str) -> None:
    for line in lines:
        model.receive(line.encode(), START)
    model.take_lines()


def shown(model: Model, key: str) -> list[str]:
    return [entry.text for entry in model.conversations[key].entries]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("/who #room", "WHO #room"),
        ("/whowas bob", "WHOWAS bob"),
        ("/motd", "MOTD"),
        ("/version", "VERSION"),
        ("/bans", "MODE #room +b"),
        ("/umode +i", "MODE alice +i"),
        ("/mode +t", "MODE #room +t"),
        ("/names #other", "NAMES #other"),
        ("/n other", "NAMES #other"),
        ("/knock #other let me in", "KNOCK #other :let me in"),
        ("/setname Alice A.", "SETNAME :Alice A."),
        ("/cs OP #room", "PRIVMSG ChanServ :OP #room"),
        ("/whois bob bob", "WHOIS bob"),
        ("/mode alice +i", "MODE alice +i"),
        ("/mode #room +t", "MODE #room +t"),
        ("/part #room see you", "PART #room :see you"),
        ("/part see you", "PART #room :see you"),
        ("/close #room", "PART #room"),
        ("/topic #room #1 of all", "TOPIC #room :#1 of all"),
        ("/kick #room bob go away", "KICK #room bob :go away"),
        ("/op #ROOM bob", "MODE #room +o bob"),
        ("/bans #room", "MODE #room +b"),
        ("/query bob hello there", "PRIVMSG bob :hello there"),
    ],
)
def test_commands_send_what_people_expect(typed: str, sent: str) -> None:
    model = online()
    model.submit("#room", typed)
    dialogue(model, f"C: {sent}")


@pytest.mark.parametrize(
    ("typed", "answer", "words"),
    [
        ("/whowas zed", "406 alice zed", "zed: no such"),
        ("/kick zed", "441 alice zed #room", "zed: no such"),
        ("/quote FOO", "421 alice FOO", "FOO: no such"),
    ],
)
def test_a_refusal_is_shown_where_the_command_was_typed(
    typed: str, answer: str, words: str
) -> None:
    model = online()
    model.show("#room")
    model.submit("#room", typed)
    hear(model, f":s {answer} :no such")
    assert shown(model, "#room")[-1] == words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (":s 221 alice +i", "Your modes: +i"),
        (":s 221 alice +", "Your modes: none"),
        (":alice!u@h MODE alice +i", "Your modes were changed: +i"),
        (":s 341 alice bob #other", "You invited bob to #other"),
        (":alice!u@h SETNAME :Alice A.", "Your real name is now Alice A."),
        (":alice!u@h NOTICE carol :psst", "Your notice to carol: psst"),
        (":s 423 alice s :Nobody runs this", "s: Nobody runs this"),
    ],
)
def test_what_a_command_did_is_said_where_it_was_typed(answer: str, words: str) -> None:
    model = online()
    model.show("#room")
    hear(model, answer)
    assert shown(model, "#room")[-1] == words


def test_a_service_is_shown_when_it_is_told_something() -> None:
    model = online()
    model.submit("#room", "/cs HELP")
    assert Show("chanserv") in model.take_effects()
    hear(model, ":s 731 alice :ChanServ,bob")
    assert model.people["chanserv"].is_online
    assert not model.people["bob"].is_online


def test_names_after_a_command_are_each_meant() -> None:
    model = online()
    model.submit("#room", "/voice bob carol")
    dialogue(model, "C: MODE #room +v bob", "C: MODE #room +v carol")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/part #other bye", "You are not in #other"),
        ("/topic #other x", "You are not in #other"),
        ("/kick #room", "Usage: /kick [ROOM] NAME [REASON]"),
        ("/op #room", "Usage: /op [ROOM] NAME"),
        ("/close carol", "There is no conversation carol"),
    ],
)
def test_a_command_about_another_room_does_nothing_to_the_one_in_view(
    typed: str, words: str
) -> None:
    model = online()
    model.submit("#room", typed)
    assert not model.take_lines()
    assert Toast(words, is_error=True) in model.take_effects()


def test_every_alias_leads_to_a_command_and_every_command_has_help() -> None:
    assert all(name in COMMANDS for name in ALIASES.values())
    assert all(command.help.endswith(".") for command in COMMANDS.values())
    assert list(COMMANDS) == sorted(COMMANDS)


def test_the_names_of_a_room_are_listed_where_they_were_asked_for() -> None:
    model = online()
    model.submit("#room", "/names")
    assert shown(model, "#room")[-1] == "2 people in #room: @bob, alice"


def test_cycling_leaves_and_comes_back() -> None:
    model = online()
    model.submit("#room", "/hop")
    dialogue(model, "C: PART #room", "C: JOIN #room")
    hear(model, ":alice!u@h PART #room", ":alice!u@h JOIN #room")
    assert model.conversations["#room"].is_joined


def test_a_conversation_is_found_by_number_or_name() -> None:
    model = online(":alice!u@h JOIN #tea")
    model.take_effects()
    for typed in ("/buffer 2", "/win te", "/b tea"):
        model.submit("#room", typed)
        assert model.take_effects() == [Show("#tea")]
    model.submit("#room", "/buffer 9")
    assert model.take_effects() == [Toast("There is no conversation 9", True)]


def test_whois_is_one_text_in_words() -> None:
    model = online()
    model.show("#room")
    signon = START.time_ms // 1000 - 7200
    hear(
        model,
        ":s 311 alice bob bob h * :Bob B.",
        ":s 319 alice bob :@#room #tea",
        ":s 312 alice bob s :Roost",
        ":s 301 alice bob :at lunch",
        ":s 330 alice bob bobby :is logged in as",
        ":s 338 alice bob b@10.0.0.1 10.0.0.1 :Is actually using host",
        f":s 317 alice bob 61 {signon} :seconds idle, signon time",
        ":s 379 alice bob :is using modes +i",
        ":s 318 alice bob :End of /WHOIS list.",
    )
    assert shown(model, "#room")[-1] == (
        "bob: bob@h, Bob B.\nRooms: @#room, #tea\nServer: s (Roost)\nAway: at lunch\n"
        "Account: bobby\nAddress: b@10.0.0.1 10.0.0.1\n"
        "Idle for 1 minute, connected for 2 hours\nIs using modes +i"
    )


def test_modes_and_bans_are_sentences() -> None:
    model = online()
    model.show("#room")
    hear(
        model,
        ":s 324 alice #room +nt",
        ":s 329 alice #room 1700000000",
        ":s 367 alice #room *!*@bad bob 1700000000",
        ":s 368 alice #room :End of channel ban list",
    )
    assert shown(model, "#room")[-2:] == ["Modes of #room: +nt", "Banned from #room: *!*@bad"]


def test_a_private_conversation_goes_on_under_a_new_nickname() -> None:
    model = online(":bob!u@h PRIVMSG alice :hello", ":bob!u@h NICK robert")
    hear(model, ":robert!u@h PRIVMSG alice :still me")
    assert "bob" not in model.conversations
    assert shown(model, "robert") == ["hello", "bob is now called robert", "still me"]


def test_what_was_said_under_both_nicknames_is_put_together() -> None:
    model = online(":bob!u@h PRIVMSG alice :first", ":robert!u@h PRIVMSG alice :second")
    model.show("robert")
    hear(model, ":robert!u@h QUIT :bye", ":bob!u@h NICK robert", ":robert!u@h PRIVMSG alice :third")
    texts = shown(model, "robert")
    assert [text for text in texts if text in ("first", "second", "third")] == [
        "first",
        "second",
        "third",
    ]
    assert model.active == "robert"
    assert "bob" not in model.conversations


def test_the_account_tells_who_writes_under_another_nickname() -> None:
    model = online(":s 005 alice MONITOR=100 :are supported")
    hear(
        model,
        "@account=bobby :dan!u@h PRIVMSG alice :hello",
        ":s 731 alice :dan",
        "@account=bobby :daniel!u@h PRIVMSG alice :still me",
        "@account=other :dora!u@h PRIVMSG alice :somebody else",
    )
    assert shown(model, "daniel") == ["hello", "dan is now called daniel", "still me"]
    assert shown(model, "dora") == ["somebody else"]


def test_closing_goes_back_to_where_one_was_before() -> None:
    model = online(":alice!u@h JOIN #tea", ":alice!u@h JOIN #zoo")
    for key in ("#zoo", "#room", "#tea"):
        model.show(key)
    model.submit("#tea", "/close")
    hear(model, ":alice!u@h PART #tea")
    assert model.active == "#room"
    hear(model, ":alice!u@h PART #room")
    assert model.active == "#zoo"


def test_deleting_is_offered_where_it_is_allowed() -> None:
    caps = ":s CAP * NEW :message-redaction message-tags", ":s CAP * ACK :message-redaction"
    model = online(*caps, "@msgid=1 :bob!u@h PRIVMSG #room :theirs")
    hear(model, "@msgid=2 :alice!u@h PRIVMSG #room :of an earlier session")
    theirs, earlier = model.conversations["#room"].entries[-2:]
    assert not model.may_redact("#room", theirs)
    assert not model.may_redact("#room", earlier)
    earlier.delivery = Delivery.DELIVERED
    assert model.may_redact("#room", earlier)
    hear(model, ":bob!u@h MODE #room +v alice")
    assert not model.may_redact("#room", theirs)
    hear(model, ":bob!u@h MODE #room +o alice")
    assert model.may_redact("#room", theirs)
    model.receive(b":s PONG s :x", Moment(101.0, 1))
