"""What WHO's second parameter asks for."""

import pytest

from roost.ircd.queries.who_options import WhoOptions, parse_options


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", WhoOptions()),
        ("o", WhoOptions(operators_only=True)),
        ("%cuhnar", WhoOptions(fields="cuhnar")),
        ("%rnhuc", WhoOptions(fields="cuhnr")),
        ("%nnnn", WhoOptions(fields="n")),
        ("%tn,42", WhoOptions(fields="tn", token="42")),
        ("o%tn,042", WhoOptions(operators_only=True, fields="tn", token="042")),
        ("%tnxyz,7", WhoOptions(fields="tn", token="7")),
        ("%tn,1234", WhoOptions(fields="tn", token="0")),
        ("%tn,4a", WhoOptions(fields="tn", token="0")),
        ("%tn,\u0664", WhoOptions(fields="tn", token="0")),
        ("%tn", WhoOptions(fields="tn", token="0")),
        ("%", WhoOptions(fields="")),
    ],
)
def test_options_are_flags_then_fields_then_a_token(text: str, expected: WhoOptions) -> None:
    assert parse_options(text) == expected
