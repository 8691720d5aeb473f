"""Formatting codes and links."""

import pytest

from roost.client.model.text import Span, Style, clean_name, clean_text, spans, strip_formatting

BOLD = Style(is_bold=True)


def test_codes_become_styles_and_are_gone_from_the_text() -> None:
    assert spans("a\x02b\x0fc") == [Span("a", Style()), Span("b", BOLD), Span("c", Style())]
    assert spans("\x0304,12red\x03 no") == [
        Span("red", Style(foreground="4", background="12")),
        Span(" no", Style()),
    ]
    assert spans("\x04FF0000x") == [Span("x", Style(foreground="#ff0000"))]
    assert strip_formatting("\x0304,12red\x03 \x02no\x0f") == "red no"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://x.example/a_(b).", "https://x.example/a_(b)"),
        ("(http://x.example)", "http://x.example"),
        ("HTTPS://X.example, yes", "HTTPS://X.example"),
        ("irc://x.example/room!", "irc://x.example/room"),
    ],
)
def test_links_end_where_the_sentence_does(text: str, url: str) -> None:
    assert [span.url for span in spans(text) if span.url] == [url]


def test_a_link_with_bold_letters_leads_to_one_place() -> None:
    pieces = spans("go http://x.ex\x02ample\x02/y now")
    assert [span.text for span in pieces if span.url] == ["http://x.ex", "ample", "/y"]
    assert {span.url for span in pieces if span.url} == {"http://x.example/y"}


def test_what_turns_or_hides_writing_is_taken_out() -> None:
    assert clean_text("user\u202etxt.exe") == "usertxt.exe"
    assert clean_name("al\u200bice\u2066") == "alice"
    assert clean_text("\x1b]0;title\x07") == "\ufffd]0;title\ufffd"
