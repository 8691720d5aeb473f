"""Dialogues: what the server says and the client answers, in turn, and what the user sees."""

import base64

import pytest

from roost.balancer.engine.waiting_room import CONNECTED_TEXT, WAITING_TEXT
from roost.client.model import Delivery, Model, Moment, Phase, Problem, ProblemKind, Profile
from roost.client.model.effects import Abandon, AskName, Attention, KeepTls, Toast, UpgradeToTls
from roost.client.model.speech import HELD_PREFIX, SERVED_PREFIX

START = Moment(100.0, 1_700_000_000_000)
PLAIN_START = (":s 001 alice :Welcome alice!u@h", ":s 422 alice :No MOTD")


def dialogue(model: Model, *turns: str) -> None:
    """Check turns: give "S: ..." to the model, and expect "C: ..." to be sent next."""
    sent: list[str] = []
    for turn in turns:
        sent.extend(line.decode().removesuffix("\r\n") for line in model.take_lines())
        side, _, line = turn.partition(": ")
        if side == "S":
            model.receive(line.encode(), START)
        else:
            assert sent, f"nothing sent instead of {line!r}"
            assert sent.pop(0) == line


def online(*lines: str, profile: Profile | None = None) -> Model:
    """Return a model in #room, on a server without any capabilities."""
    model = Model(profile or Profile(nick="alice", rooms=("#room",)), "n0")
    model.connecting("s:6667", START)
    model.connected(START, is_secure=False)
    for line in (*PLAIN_START, ":alice!u@h JOIN #room", ":s 353 alice = #room :alice @bob", *lines):
        model.receive(line.encode(), START)
    model.take_lines()
    model.take_effects()
    return model


def starting(profile: Profile, *, is_secure: bool = False) -> Model:
    model = Model(profile, "n0")
    model.connecting("s:6667", START)
    model.connected(START, is_secure=is_secure)
    return model


def test_a_server_without_capabilities_lets_one_in_and_confirms_by_pong() -> None:
    model = starting(Profile(nick="alice", rooms=("room",)))
    dialogue(
        model,
        "C: CAP LS 302",
        "C: NICK alice",
        "C: USER alice 0 * alice",
        "S: :s 421 * CAP :Unknown command",
        "S: :s 001 alice :Welcome alice!u@h",
        "C: PING n0-welcome",
        "S: :s 376 alice :End",
        "C: JOIN #room",
        "S: :alice!u@h JOIN #room",
    )
    model.take_lines()
    model.send("#room", "hello you")
    (entry,) = model.conversations["#room"].pending
    states = [entry.delivery]
    dialogue(model, "C: PRIVMSG #room :hello you", f"S: :s PONG s n0-{model.counter}")
    states.append(entry.delivery)
    assert states == [Delivery.SENDING, Delivery.DELIVERED]
    assert model.conversations["#room"].entries[-1] is entry


def test_a_refused_message_has_the_servers_reason_and_is_sent_again_on_request() -> None:
    model = online()
    model.send("#room", "hush")
    entry = model.conversations["#room"].pending[0]
    model.receive(b":s 404 alice #room :Cannot send to channel (+m)", START)
    assert entry.delivery is Delivery.FAILED
    assert entry.failure == "You may not speak in this room. (Cannot send to channel (+m))"
    model.take_lines()
    model.retry("#room", entry)
    dialogue(model, "C: PRIVMSG #room hush")


def test_a_taken_name_is_replaced_and_the_user_is_asked() -> None:
    model = starting(Profile(nick="alice"))
    model.take_lines()
    dialogue(
        model,
        "S: :s 433 * alice :Nickname is already in use",
        "C: NICK alice_",
        "S: :s 433 * alice_ :Nickname is already in use",
        "C: NICK alice__",
        "S: :s 001 alice__ :Welcome",
        "S: :s 005 alice__ MONITOR=10 :are supported",
        "S: :s 422 alice__ :No MOTD",
        "C: PING n0-welcome",
        "C: MONITOR + alice",
        "S: :s 731 alice__ :alice",
        "C: NICK alice",
        "S: :alice__!u@h NICK alice",
    )
    assert AskName("alice", "alice is in use at the moment.", "alice__") in model.take_effects()
    assert model.nick == "alice"


def test_logging_in_with_plain_sends_the_password_once_and_hides_it() -> None:
    profile = Profile(nick="alice", password="secret")
    model = starting(profile)
    model.take_lines()
    answer = base64.b64encode(b"\0alice\0secret").decode()
    dialogue(
        model,
        "S: :s CAP * LS :sasl=PLAIN",
        "C: CAP REQ sasl",
        "S: :s CAP * ACK :sasl",
        "C: AUTHENTICATE PLAIN",
        "S: AUTHENTICATE +",
        f"C: AUTHENTICATE {answer}",
        "S: :s 900 alice alice!u@h alice :You are now logged in",
        "S: :s 903 alice :SASL authentication successful",
        "C: CAP END",
    )
    assert model.account == "alice"
    assert "secret" not in repr(profile)


@pytest.mark.parametrize(("account", "answer"), [("", "+"), ("alice", "YWxpY2U=")])
def test_a_certificate_logs_in_without_a_password(account: str, answer: str) -> None:
    model = starting(Profile(nick="alice", account=account, has_certificate=True))
    model.take_lines()
    dialogue(
        model,
        "S: :s CAP * LS :sasl=PLAIN,EXTERNAL",
        "C: CAP REQ sasl",
        "S: :s CAP * ACK :sasl",
        "C: AUTHENTICATE EXTERNAL",
        "S: AUTHENTICATE +",
        f"C: AUTHENTICATE {answer}",
        "S: :s 900 alice alice!u@h alice :You are now logged in",
        "S: :s 903 alice :SASL authentication successful",
        "C: CAP END",
    )


def test_a_certificate_that_opens_nothing_gives_way_to_the_password() -> None:
    model = starting(Profile(nick="alice", password="secret", has_certificate=True))
    model.take_lines()
    dialogue(
        model,
        "S: :s CAP * LS :sasl=PLAIN,EXTERNAL",
        "C: CAP REQ sasl",
        "S: :s CAP * ACK :sasl",
        "C: AUTHENTICATE EXTERNAL",
        "S: AUTHENTICATE +",
        "C: AUTHENTICATE +",
        "S: :s 904 alice :SASL authentication failed",
        "C: AUTHENTICATE PLAIN",
    )


@pytest.mark.parametrize("offered", ["PLAIN", "EXTERNAL"])
def test_without_a_password_such_a_certificate_keeps_nobody_out(offered: str) -> None:
    model = starting(Profile(nick="alice", has_certificate=True))
    model.take_lines()
    tried = (
        "C: AUTHENTICATE EXTERNAL",
        "S: AUTHENTICATE +",
        "C: AUTHENTICATE +",
        "S: :s 904 alice :SASL authentication failed",
    )
    dialogue(
        model,
        f"S: :s CAP * LS :sasl={offered}",
        "C: CAP REQ sasl",
        "S: :s CAP * ACK :sasl",
        *(tried if offered == "EXTERNAL" else ()),
        "C: CAP END",
    )


def test_a_wrong_password_is_said_in_words_and_not_tried_again() -> None:
    model = starting(Profile(nick="alice", password="wrong"))
    for line in (":s CAP * LS :sasl=PLAIN", ":s CAP * ACK :sasl", "AUTHENTICATE +"):
        model.receive(line.encode(), START)
    model.receive(b":s 904 alice :SASL authentication failed", START)
    (abandon,) = [e for e in model.take_effects() if isinstance(e, Abandon)]
    assert abandon.problem.kind is ProblemKind.ACCOUNT
    assert abandon.problem.is_final
    assert abandon.problem.text.startswith("The password for the account alice is wrong")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request", "A web server answered"),
        (b"SSH-2.0-OpenSSH_9.2", "An SSH server answered"),
        (b"220 mail.example ESMTP", "does not speak IRC"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "expects TLS"),
        (b"\xff\xfe\x00garbage", "does not speak IRC"),
    ],
)
def test_what_is_no_irc_server_is_told_in_words(answer: bytes, words: str) -> None:
    model = starting(Profile(nick="alice"))
    model.receive(answer, START)
    (abandon,) = [e for e in model.take_effects() if isinstance(e, Abandon)]
    assert abandon.problem.kind is ProblemKind.NOT_IRC
    assert words in abandon.problem.text


def test_bans_and_kills_are_final_and_other_closings_are_not() -> None:
    for line, kind, is_final in (
        (b"ERROR :Closing Link: h (K-Lined)", ProblemKind.BANNED, True),
        (b"ERROR :Closing link: ping timeout", ProblemKind.CLOSED, False),
        (b":oper!o@h KILL alice :spam", ProblemKind.KILLED, True),
    ):
        model = online()
        model.receive(line, START)
        lost = Problem(ProblemKind.DROPPED, "The server closed the connection.")
        model.disconnected(START, lost, None)
        assert model.connection.problem is not None
        assert (model.connection.problem.kind, model.connection.problem.is_final) == (
            kind,
            is_final,
        )


def test_a_policy_for_tls_is_obeyed() -> None:
    model = starting(Profile(nick="alice"))
    model.receive(b":s CAP * LS :sts=port=6697,duration=100", START)
    assert model.take_effects() == [UpgradeToTls(6697)]
    model = starting(Profile(nick="alice"), is_secure=True)
    model.receive(b":s CAP * LS :sts=port=6697,duration=100", START)
    assert model.take_effects() == [KeepTls(100)]


def test_silence_is_noticed_and_the_round_trip_measured() -> None:
    model = online()
    model.tick(Moment(101.0, 0))
    assert model.take_lines() == [b"PING n0-rtt1\r\n"]
    model.receive(b":s PONG s n0-rtt1", Moment(101.25, 0))
    assert model.connection.round_trip_ms == 250.0
    model.tick(Moment(117.0, 0))
    model.tick(Moment(142.0, 0))
    (abandon,) = [e for e in model.take_effects() if isinstance(e, Abandon)]
    assert abandon.problem.kind is ProblemKind.SILENT


def test_a_balancers_notices_say_that_one_waits() -> None:
    assert WAITING_TEXT.startswith(HELD_PREFIX)
    assert CONNECTED_TEXT.startswith(SERVED_PREFIX)
    model = online(f":s NOTICE * :{WAITING_TEXT}")
    assert model.connection.waiting_text == WAITING_TEXT
    model.receive(f":s NOTICE * :{CONNECTED_TEXT}".encode(), START)
    assert model.connection.waiting_text == ""


def test_names_and_texts_hide_no_control_characters_and_no_turned_writing() -> None:
    model = online(
        ":e\u202evil\x1b!u@h JOIN #room", ":e\u202evil\x1b!u@h PRIVMSG #room :a\u202eb\x1b[2J\x07"
    )
    entry = model.conversations["#room"].entries[-1]
    assert entry.sender == "evil\ufffd"
    assert entry.text == "ab\ufffd[2J\ufffd"


def test_one_is_called_by_name_and_by_ones_words_and_not_by_those_one_ignores() -> None:
    profile = Profile(
        nick="alice", rooms=("#room",), highlight_words=("coffee",), ignored=("troll",)
    )
    model = online(profile=profile)
    for nick, text in (
        ("bob", "malice"),
        ("bob", "Alice: hi"),
        ("bob", "Coffee?"),
        ("troll", "alice!"),
    ):
        model.receive(f":{nick}!u@h PRIVMSG #room :{text}".encode(), START)
    called = [e.entry.text for e in model.take_effects() if isinstance(e, Attention)]
    room = model.conversations["#room"]
    assert called == ["Alice: hi", "Coffee?"]
    assert (room.unread, room.highlights) == (3, 2)
    assert room.entries[-1].is_ignored
    model.unignore("troll")
    assert not room.entries[-1].is_ignored


def test_a_long_paste_goes_out_a_few_lines_at_a_time() -> None:
    model = online()
    model.send("#room", "\n".join(f"line {number}" for number in range(20)))
    lines = model.take_lines()
    assert [line for line in lines if line.startswith(b"PRIVMSG")] == [
        f"PRIVMSG #room :line {number}\r\n".encode() for number in range(4)
    ]
    assert [entry.text for entry in model.conversations["#room"].pending] == [
        f"line {number}" for number in range(20)
    ]


def test_reactions_replies_typing_and_taking_back_are_followed() -> None:
    model = online(
        "@msgid=m1 :bob!u@h PRIVMSG #room :hello",
        "@+draft/reply=m1;+draft/react=:) :carol!u@h TAGMSG #room",
        "@msgid=m2;+draft/reply=m1 :carol!u@h PRIVMSG #room :hi bob",
        "@+typing=active :bob!u@h TAGMSG #room",
    )
    room = model.conversations["#room"]
    first, second = room.entries[-2:]
    assert first.reactions == {":)": ["carol"]}
    assert second.reply_to == "m1"
    assert list(room.typing) == ["bob"]
    model.tick(Moment(107.0, 0))
    assert not room.typing
    model.receive(b":bob!u@h REDACT #room m1 :oops", START)
    assert (first.is_redacted, first.text, first.failure) == (True, "", "oops")


def test_commands_with_mistakes_are_explained_and_send_nothing() -> None:
    model = online()
    for typed, words in (
        ("/jion #x", "There is no command /jion."),
        ("/msg bob", "Usage: /msg NAME TEXT"),
        ("/nick a b", "That is not a valid nickname"),
    ):
        model.submit("#room", typed)
        (toast,) = [e for e in model.take_effects() if isinstance(e, Toast)]
        assert toast.is_error
        assert words in toast.text
    assert model.take_lines() == []
    model.submit("#room", "//shrug")
    dialogue(model, "C: PRIVMSG #room /shrug")


def test_completion_offers_commands_rooms_and_whoever_spoke_last() -> None:
    model = online(":s 353 alice = #room :bert", ":bob!u@h PRIVMSG #room :x")
    assert model.complete("#room", "/jo", 3) == ["/join "]
    assert model.complete("#room", "b", 1) == ["bob: ", "bert: "]
    assert model.complete("#room", "hi be", 5) == ["bert "]
    assert model.complete("#room", "see #ro", 7) == ["#room "]


def test_the_phase_follows_the_connection() -> None:
    model = online()
    assert model.connection.phase is Phase.ONLINE
    lost = Problem(ProblemKind.DROPPED, "lost")
    model.disconnected(START, lost, 101.0)
    assert (model.connection.phase, model.connection.retry_at_s) == (Phase.WAITING, 101.0)
    model.send("#room", "while away")
    assert model.conversations["#room"].pending[0].delivery is Delivery.WAITING
    assert model.take_lines() == []


def test_history_that_the_servers_lost_is_asked_for_once_they_have_told_the_rest() -> None:
    model = online()
    dialogue(
        model,
        "S: :s NOTE RESUME HISTORY_LOST :The missed messages are no longer available",
        "S: :alice!u@h JOIN #room",
        "S: :s 353 alice = #room :alice carol",
        "S: :s 366 alice #room :End",
        "C: PING n0-resumed",
        "S: :s PONG s n0-resumed",
        "C: NAMES #room",
        "C: TOPIC #room",
        "S: :s 353 alice = #room :alice carol",
        "S: :s 366 alice #room :End",
    )
    members = sorted(member.person.nick for member in model.conversations["#room"].members)
    assert members == ["alice", "carol"]
    assert not model.take_lines()


def test_counts_of_users_are_shown_as_one_sentence() -> None:
    model = online(
        ":s 266 alice 2 7 :Current global users 2, max 7", ":s 254 alice 3 :channels formed"
    )
    texts = [entry.text for entry in model.conversations[""].entries]
    assert texts[-2:] == ["Current global users 2, max 7", "3 channels formed"]
