"""Times are parsed and written as the specifications say."""

import pytest
from hypothesis import given, strategies

from roost.ircd.queries.moments import human_time, parse_timestamp

NEW_YEAR = "2024-01-01T00:00:00.000Z"
NEW_YEAR_MS = 1_704_067_200_000


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        (NEW_YEAR, NEW_YEAR_MS),
        ("2024-01-01T00:00:00.123Z", NEW_YEAR_MS + 123),
        ("2024-01-01T00:00:00.5Z", NEW_YEAR_MS + 500),
        ("2024-01-01T00:00:00.123456Z", NEW_YEAR_MS + 123),
        ("2024-01-01T00:00:00Z", NEW_YEAR_MS),
        ("2023-12-31T23:59:60.000Z", NEW_YEAR_MS),
        ("2024-02-29T12:00:00.000Z", NEW_YEAR_MS + (59 * 24 + 12) * 3_600_000),
        ("1066-10-14T09:00:00.000Z", 0),
    ],
)
def test_a_timestamp_is_milliseconds_since_1970(text: str, expected_ms: int) -> None:
    assert parse_timestamp(text) == expected_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-01-01",
        "2024-13-01T00:00:00.000Z",
        "2023-02-29T00:00:00.000Z",
        "2024-01-01T25:00:00.000Z",
        "2024-01-01T00:00:61.000Z",
        "2024-01-01T00:00:00.000",
        "2024-01-01T00:00:00.000+01:00",
        "2024-01-01T00:00:00.000Z ",
        "0000-01-01T00:00:00.000Z",
        "\u0662\u0660\u0662\u0664-01-01T00:00:00.000Z",
    ],
)
def test_anything_else_is_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None


@given(strategies.text(max_size=40))
def test_no_text_makes_the_timestamp_parser_fail(text: str) -> None:
    assert parse_timestamp(text) is None or text.endswith("Z")


def test_people_are_told_the_second_and_the_zone() -> None:
    assert human_time(NEW_YEAR_MS + 1999) == "2024-01-01 00:00:01 UTC"
