"""Whatever a server sends, nothing raises, and what the model shows is safe."""

import unicodedata
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from roost.client.model import EntryKind, Model, Moment, Profile, Query
from roost.client.model.threads import thread

_COMMANDS = """
001 005 301 305 306 311 315 321 322 323 324 329 331 332 333 353 354 366 376 401 403 404 421 422
432 433 436 437 464 465 471 473 474 475 482 730 731 900 901 903 904 905 907 ACCOUNT ACK
AUTHENTICATE AWAY BATCH CAP CHGHOST ERROR FAIL INVITE JOIN KICK KILL MARKREAD MODE NICK NOTE
NOTICE PART PING PONG PRIVMSG QUIT REDACT RENAME RESUME SETNAME TAGMSG TOPIC WARN XYZZY 999
"""
_WORDS = """
alice bob #room #other * + - = : @bob +v-o +o LS ACK NAK NEW DEL SUCCESS TOKEN HISTORY_LOST
CHATHISTORY PRIVMSG RESUME BATCH chathistory draft/multiline labeled-response +b1 -b1 +b2 -b2
n0-welcome n0-resumed n0-1 n0-rtt1 sasl=PLAIN,SCRAM-SHA-256 sts=port=6697 batch message-tags
echo-message labeled-response draft/chathistory PREFIX=(ov)@+ CASEMAPPING=ascii CHANTYPES=#
CHATHISTORY=5 MONITOR=9 152 G@ timestamp=2026-01-01T00:00:00.000Z timestamp=x 12345678901234
soju.im/search draft/message-redaction SEARCH id1 h1 f1
CHANMODES=b,k,l,i CHANTYPES= PREFIX= \x01ACTION\x01 \x01VERSION\x01 -CHANTYPES
"""
COMMANDS = _COMMANDS.split()
WORDS = _WORDS.split()
word = st.one_of(
    st.sampled_from(WORDS), st.text(max_size=12).map(lambda t: t.replace(" ", "").strip(":") or "x")
)
tags = st.dictionaries(
    st.sampled_from(
        [
            "msgid",
            "time",
            "label",
            "batch",
            "account",
            "+draft/reply",
            "+draft/react",
            "+typing",
            "+roost.chat/edits",
            "+roost.chat/code",
        ]
    ),
    st.one_of(
        st.sampled_from(["b1", "b2", "h1", "s1", "active", "id1", "2026-01-01T00:00:00.000Z"]),
        st.text(alphabet="ab:\\1\u202e", max_size=5),
    ),
    max_size=4,
)
source = st.sampled_from(["", "alice!u@h", "bob!u@h", "server.example", "!@", "\u202ebob!x@y"])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Draw a line that looks like one from a server."""
    given_tags = ";".join(f"{name}={value}" for name, value in draw(tags).items())
    text = f"@{given_tags} " if given_tags else ""
    who = draw(source)
    text += f":{who} " if who else ""
    text += " ".join([draw(st.sampled_from(COMMANDS)), *draw(st.lists(word, max_size=6))])
    if draw(st.booleans()):
        text += " :" + draw(st.text(max_size=30))
    return text.replace("\r", "").replace("\n", "").encode(errors="replace")


START = (
    b":s CAP * LS :batch echo-message labeled-response message-tags draft/chathistory server-time",
    b":s CAP * ACK :batch echo-message labeled-response message-tags draft/chathistory server-time",
    b":s 001 alice :Welcome alice!u@h",
    b":s 005 alice CHANTYPES=# CHATHISTORY=5 PREFIX=(ov)@+ MONITOR=5 :are",
    b":s 422 alice :No MOTD",
    b":alice!u@h JOIN #room",
    b":s 353 alice = #room :@alice bob",
)


def act(model: Model, number: int) -> None:
    """Let the user do one of everything."""
    acts: list[Callable[[], object]] = [
        lambda: model.send("#room", "hello\nworld"),
        lambda: model.submit("#room", "/me waves"),
        lambda: model.join("other"),
        lambda: model.query("bob"),
        lambda: model.load_older("#room"),
        lambda: model.mark_read("#room"),
        lambda: model.jump_to_date("#room", 5),
        lambda: model.part("#room"),
        lambda: model.find(Query("hello", sender="bob")),
        lambda: model.find_older(),
        lambda: jump_to_hits(model),
        lambda: model.jump_to_message("#room", "id1", 5),
        lambda: model.follow_link("#room", "irc://s/%23room?msgid=id1"),
        lambda: model.submit("#room", "/notify all"),
        lambda: model.submit("#room", "/highlight #room hello"),
        lambda: edit_last(model),
        lambda: (
            [
                thread(model.conversations["#room"], entry)
                for entry in model.conversations["#room"].entries
            ]
            if "#room" in model.conversations
            else []
        ),
        lambda: model.set_nick("carol"),
        lambda: model.list_rooms(),
        lambda: model.typing("bob", "hm"),
        lambda: model.complete("#room", "bo", 2),
        lambda: model.ignore("bob"),
        lambda: model.show("bob"),
        lambda: model.disconnected(model.moment, None, None),
        lambda: model.connected(model.moment, is_secure=False),
    ]
    acts[number % len(acts)]()


def jump_to_hits(model: Model) -> None:
    for hit in model.search.hits[:2]:
        model.jump_to_hit(hit)


def edit_last(model: Model) -> None:
    entry = model.last_own("#room")
    if entry is not None:
        model.edit("#room", entry, "better")


def check(model: Model) -> None:
    """Check that what is shown is safe, and that the lists agree with each other."""
    for key, conversation in model.conversations.items():
        assert conversation.key == key
        names = [member.person.folded for member in conversation.members]
        assert len(names) == len(set(names)) == len(conversation.members)
        for entry in conversation.entries:
            for text in (entry.sender, entry.text, conversation.name):
                assert not any(
                    unicodedata.bidirectional(letter) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI")
                    or (letter in "\x00\x07\x08\x0a\x1b\x7f\x9b" and letter != "\n")
                    for letter in text
                )
            if entry.kind is EntryKind.GAP:
                assert entry.id in model.gaps
    assert sorted(model.order) == sorted(model.conversations)


@settings(max_examples=300)
@given(
    st.lists(st.one_of(lines(), st.binary(max_size=40), st.integers(0, 60)), max_size=40),
    st.booleans(),
)
@example([b":alice!u@h JOIN"], True)
@example([b":bob!u@h PRIVMSG alice :hi", b":alice!u@h JOIN bob"], True)
def test_no_line_of_a_server_raises(script: list[bytes | int], is_welcomed: bool) -> None:
    model = Model(Profile(nick="alice", password="secret", rooms=("#room",)), "n0")
    moment = Moment(0.0, 1_700_000_000_000)
    model.connecting("server:6667", moment)
    model.connected(moment, is_secure=False)
    for line in START if is_welcomed else ():
        model.receive(line, moment)
    for number, item in enumerate(script):
        moment = Moment(float(number), 1_700_000_000_000 + number)
        if isinstance(item, int):
            act(model, item)
        else:
            model.receive(item, moment)
        model.tick(moment)
        for line in model.take_lines():
            assert line.endswith(b"\r\n")
            assert line.count(b"\n") == 1
        model.take_effects()
    check(model)
