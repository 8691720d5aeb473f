"""How lines are put together."""

import pytest

from roost.ircd.rendering.lines import body, format_time


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_318_990_000_619, "2011-10-19T02:06:40.619Z"),
        (1_709_164_800_001, "2024-02-29T00:00:00.001Z"),
    ],
)
def test_times_are_utc_with_milliseconds(time_ms: int, expected: str) -> None:
    assert format_time(time_ms) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ((), ":s X"),
        (("a",), ":s X a"),
        (("a", "b"), ":s X a b"),
        (("a", "b c"), ":s X a :b c"),
        (("a", ""), ":s X a :"),
        (("a", ":b"), ":s X a ::b"),
    ],
)
def test_last_parameter_has_a_colon_where_it_needs_one(
    parameters: tuple[str, ...], expected: str
) -> None:
    assert body("s", "X", parameters) == expected
