import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.irc.errors import (
    EmptyLineError,
    ForbiddenByteError,
    LineTooLongError,
    MalformedError,
    NotUtf8Error,
    ParseError,
    TagsTooLongError,
)
from roost.irc.message import Message, escape_tag_value, unescape_tag_value
from roost.irc.parsing import parse

BOTH_WAYS = [
    (b"PING", Message("PING")),
    (b"PING token", Message("PING", ("token",))),
    (b"PING :", Message("PING", ("",))),
    (b"PRIVMSG #a :hello there", Message("PRIVMSG", ("#a", "hello there"))),
    (b"PRIVMSG #a ::-)", Message("PRIVMSG", ("#a", ":-)"))),
    (b"PRIVMSG #a a:b", Message("PRIVMSG", ("#a", "a:b"))),
    (b":bob!b@h JOIN #a", Message("JOIN", ("#a",), "bob!b@h")),
    (b"@+typing=active TAGMSG bob", Message("TAGMSG", ("bob",), "", (("+typing", "active"),))),
    (b"@a;b=1 PING", Message("PING", (), "", (("a", ""), ("b", "1")))),
    (b"@a=x\\sy\\:z\\\\ PING", Message("PING", (), "", (("a", "x y;z\\"),))),
    ("TOPIC #a :gr\u00fc\u00df dich".encode(), Message("TOPIC", ("#a", "gr\u00fc\u00df dich"))),
    (b"001 bob :Hi there", Message("001", ("bob", "Hi there"))),
]

ONE_WAY = [
    (b"privmsg #a hi", Message("PRIVMSG", ("#a", "hi"))),
    (b"PRIVMSG  #a   hi", Message("PRIVMSG", ("#a", "hi"))),
    (b"PRIVMSG #a :hi ", Message("PRIVMSG", ("#a", "hi "))),
    (b"PRIVMSG #a :hi :there", Message("PRIVMSG", ("#a", "hi :there"))),
    (b"  PING x", Message("PING", ("x",))),
    (b":src  PING x ", Message("PING", ("x",), "src")),
    (b"@a=1;a=2 PING", Message("PING", (), "", (("a", "2"),))),
    (b"@a= PING", Message("PING", (), "", (("a", ""),))),
    (b"@a=\\b\\ PING", Message("PING", (), "", (("a", "b"),))),
]

WRONG = [
    (b"", EmptyLineError, ""),
    (b"   ", EmptyLineError, ""),
    (b"@a=b", MalformedError, ""),
    (b":source", MalformedError, ""),
    (b"PR1VMSG #a :x", MalformedError, ""),
    (b"12 a", MalformedError, ""),
    (b"PRIVMSG #a :\xff", NotUtf8Error, "PRIVMSG"),
    (b"@a=\xff :s notice #a :x", NotUtf8Error, "NOTICE"),
    (b"PRIVMSG #a :a\0b", ForbiddenByteError, "PRIVMSG"),
    (b"PRIVMSG #a :a\rb", ForbiddenByteError, "PRIVMSG"),
    (b"PRIVMSG #a :" + b"x" * 499, LineTooLongError, "PRIVMSG"),
    (b"@" + b"a" * 4095 + b" PING", TagsTooLongError, "PING"),
]


@pytest.mark.parametrize(("line", "message"), BOTH_WAYS + ONE_WAY)
def test_a_line_is_read(line: bytes, message: Message) -> None:
    assert parse(line) == message


@pytest.mark.parametrize(("line", "message"), BOTH_WAYS)
def test_a_message_is_written_as_it_was_read(line: bytes, message: Message) -> None:
    assert parse(line).encode() == line + b"\r\n"


@pytest.mark.parametrize(("line", "error", "command"), WRONG)
def test_what_is_wrong_with_a_line_is_said(
    line: bytes, error: type[ParseError], command: str
) -> None:
    with pytest.raises(error) as caught:
        parse(line)
    assert type(caught.value) is error
    assert caught.value.command == command


def test_the_longest_line_and_the_longest_tags_are_read() -> None:
    assert parse(b"PRIVMSG #a :" + b"x" * 498).parameters[1] == "x" * 498
    assert parse(b"@" + b"a" * 4094 + b" PING").command == "PING"


words = st.text(st.characters(exclude_characters="\0\r\n ", exclude_categories=["Cs"]), min_size=1)
texts = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=60)
keys = st.from_regex(r"\+?[a-z][a-z0-9-]{0,8}", fullmatch=True)


@given(
    st.from_regex(r"[A-Z]{1,10}|[0-9]{3}", fullmatch=True),
    st.lists(words.filter(lambda w: not w.startswith(":") and len(w) < 12), max_size=4),
    texts,
    st.dictionaries(keys, texts, max_size=3),
)
def test_every_message_comes_back(
    command: str, middle: list[str], last: str, tags: dict[str, str]
) -> None:
    message = Message(command, (*middle, last), "bob!b@host", tuple(tags.items()))
    assert parse(message.encode()[:-2]) == message


@given(st.text())
def test_every_tag_value_comes_back(value: str) -> None:
    escaped = escape_tag_value(value)
    assert not any(character in escaped for character in " ;\r\n")
    assert unescape_tag_value(escaped) == value


@given(st.binary(max_size=600))
def test_no_bytes_do_worse_than_a_parse_error(line: bytes) -> None:
    with contextlib.suppress(ParseError):
        assert parse(line).command
