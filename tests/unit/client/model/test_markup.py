"""What people type becomes formatting codes, and comes back to be edited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.client.model import Model, Moment, Profile
from roost.client.model.markup import from_wire, to_wire
from roost.client.model.text import preview, spans, strip_formatting

BOTH_WAYS = [
    ("plain words", "plain words"),
    ("**bold** and *slanted*", "\x02bold\x02 and \x1dslanted\x1d"),
    ("a ~~struck~~ word", "a \x1estruck\x1e word"),
    ("run `make *all*` now", "run \x11make *all*\x11 now"),
    ("the ||butler|| did it", "the \x0301,01butler\x03 did it"),
    ("**http://x.org/a_b_c** ok", "\x02http://x.org/a_b_c\x02 ok"),
    (
        "look:\n```python\nif x:\n    y()\n```\nend",
        "look:\n\x11if x:\n\x11    y()\nend",
    ),
]


@pytest.mark.parametrize(("typed", "wire"), BOTH_WAYS)
def test_marks_become_codes_and_back(typed: str, wire: str) -> None:
    said = to_wire(typed)
    assert said.text == wire
    assert from_wire(said.text, said.language) == typed


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("_under_", "\x1dunder\x1d"),
        ("(**bold**, *it*.)", "(\x02bold\x02, \x1dit\x1d.)"),
        ("**bold *both* x**", "\x02bold \x1dboth\x1d x\x02"),
        (r"\*not\* this", "*not* this"),
        ("||5 eggs||, 7", "\x0301,01\x02\x025 eggs\x03, 7"),
        ("```\none\n\ntwo\n```", "\x11one\n\x11\n\x11two"),
    ],
)
def test_marks_become_codes(typed: str, wire: str) -> None:
    assert to_wire(typed).text == wire


@pytest.mark.parametrize(
    "typed",
    [
        "2*3*4 and snake_case_name",
        "a * b * c",
        "**not closed",
        "not `closed",
        "http://x.org/_a_/*b*",
        "/usr/lib/_x_y",
        "* item\n* item",
        "```\nnot closed",
        "5 || 6 || 7",
        "~~ ~~",
        ":* kisses *:",
    ],
)
def test_what_is_no_mark_stays(typed: str) -> None:
    assert to_wire(typed).text == typed


@given(st.text(alphabet="ab *_~`|\\\n1,:/"))
def test_no_text_fails_and_only_marks_are_lost(typed: str) -> None:
    plain = strip_formatting(to_wire(typed).text)
    marks = str.maketrans("", "", "*_~`|\\\n")
    assert plain.translate(marks) == typed.translate(marks)
    from_wire(to_wire(typed).text)


@given(st.text(alphabet="ab \x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f01,\n"))
def test_any_codes_can_be_edited(text: str) -> None:
    marks = str.maketrans("", "", "*_~`|\\\n")
    assert from_wire(text).translate(marks) == strip_formatting(text).translate(marks)


def test_a_preview_hides_a_spoiler() -> None:
    assert preview("the \x0301,01butler\x03 did \x02it\x02") == "the [spoiler] did it"
    assert preview("\x0304,05seen\x03") == "seen"


def test_scripts_send_what_they_say_and_people_send_codes() -> None:
    for has_markup, expected in ((False, "**x**"), (True, "\x02x\x02")):
        model = Model(Profile(nick="a", rooms=("#r",), has_markup=has_markup), "n")
        model.submit("#r", "**x**")
        assert model.conversations["#r"].pending[0].text == expected
        model.dismiss("#r", model.conversations["#r"].pending[0])
        assert model.conversations["#r"].draft == "**x**"
        model.connecting("s", Moment(0.0, 0))
        assert model.input_history("#r", -1) == "**x**"
    assert [span.text for span in spans("\x0301,01a\x03b")] == ["a", "b"]
