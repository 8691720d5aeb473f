"""What CHATHISTORY's parameters mean, and how mistakes are reported."""

import pytest
from hypothesis import given, strategies

from roost.chat.history import Anchor
from roost.chat.ids import Position, message_id
from roost.ircd.queries.history_selectors import InvalidRequestError, Selection, parse_selection

NEW_YEAR = "2024-01-01T00:00:00.000Z"
NEW_YEAR_MS = 1_704_067_200_000


@pytest.mark.parametrize("subcommand", ["BEFORE", "AFTER", "LATEST", "AROUND"])
def test_one_reference_is_a_time_or_a_message(subcommand: str) -> None:
    by_time = parse_selection((subcommand, "#r", f"timestamp={NEW_YEAR}", "10"))
    assert by_time == Selection(subcommand, "#r", Anchor(time_ms=NEW_YEAR_MS), None, 10)
    by_id = parse_selection((subcommand, "#r", f"msgid={message_id(Position(300), 2)}", "10"))
    assert by_id == Selection(subcommand, "#r", Anchor(Position(300), 2), None, 10)


def test_latest_takes_a_star() -> None:
    assert parse_selection(("latest", "bob", "*", "5")) == Selection("LATEST", "bob", None, None, 5)


def test_between_takes_two_references_of_any_type() -> None:
    selection = parse_selection(
        ("BETWEEN", "#r", f"msgid={message_id(Position(7), 0)}", f"timestamp={NEW_YEAR}", "9")
    )
    assert selection.first == Anchor(Position(7), 0)
    assert selection.second == Anchor(time_ms=NEW_YEAR_MS)
    assert selection.limit == 9


def test_targets_takes_two_times_and_no_target() -> None:
    selection = parse_selection(
        ("TARGETS", f"timestamp={NEW_YEAR}", "timestamp=1970-01-01T00:00:00.000Z", "9")
    )
    assert selection == Selection("TARGETS", "", Anchor(time_ms=NEW_YEAR_MS), Anchor(time_ms=0), 9)


@pytest.mark.parametrize(
    ("parameters", "code", "context", "text"),
    [
        ((), "INVALID_PARAMS", ("*",), "Insufficient parameters"),
        (("FROM", "#r", "*", "1"), "INVALID_PARAMS", ("FROM",), "Unknown command"),
        (("a b",), "INVALID_PARAMS", ("*",), "Unknown command"),
        (("latest", "#r", "*"), "INVALID_PARAMS", ("latest",), "Insufficient parameters"),
        (("LATEST", "#r", "*", "*", "1"), "INVALID_PARAMS", ("LATEST",), "Too many parameters"),
        (("LATEST", "#r", "*", "ten"), "INVALID_PARAMS", ("LATEST", "ten"), "Invalid limit"),
        (("LATEST", "#r", "*", "-1"), "INVALID_PARAMS", ("LATEST", "-1"), "Invalid limit"),
        (("LATEST", "#r", "*", "9" * 10), "INVALID_PARAMS", ("LATEST", "9" * 10), "Invalid limit"),
        (
            ("BEFORE", "#r", "*", "1"),
            "INVALID_PARAMS",
            ("BEFORE", "*"),
            "Invalid message reference",
        ),
        (
            ("BEFORE", "#r", "timestamp=noon", "1"),
            "INVALID_PARAMS",
            ("BEFORE", "timestamp=noon"),
            "Invalid timestamp",
        ),
        (
            ("BEFORE", "#r", "msgid=noon", "1"),
            "INVALID_PARAMS",
            ("BEFORE", "msgid=noon"),
            "Unknown message id",
        ),
        (
            ("BEFORE", "#r", "cursor=7", "1"),
            "INVALID_MSGREFTYPE",
            ("BEFORE", "#r", "cursor=7"),
            "Only references by timestamp= and msgid= are supported",
        ),
        (
            ("TARGETS", "msgid=00000000001-00", f"timestamp={NEW_YEAR}", "1"),
            "INVALID_PARAMS",
            ("TARGETS", "msgid=00000000001-00"),
            "Invalid timestamp",
        ),
        (
            ("TARGETS", NEW_YEAR, f"timestamp={NEW_YEAR}", "1"),
            "INVALID_PARAMS",
            ("TARGETS", NEW_YEAR),
            "Invalid timestamp",
        ),
    ],
)
def test_each_mistake_has_its_code_and_context(
    parameters: tuple[str, ...], code: str, context: tuple[str, ...], text: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_selection(parameters)
    assert (caught.value.code, caught.value.context, caught.value.text) == (code, context, text)


@given(strategies.lists(strategies.text(max_size=20), max_size=6))
def test_no_parameters_raise_anything_else(parameters: list[str]) -> None:
    context: tuple[str, ...] = ()
    try:
        parse_selection(tuple(parameters))
    except InvalidRequestError as error:
        context = error.context
    assert all(" " not in word and word for word in context)
