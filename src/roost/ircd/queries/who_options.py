"""Parses the second parameter of WHO: flags, and the fields of the extended reply (WHOX).

    WHO <mask> [<flags>][%<fields>[,<token>]]

Source: ircv3.net/specs/extensions/whox.
"""

import msgspec

FIELDS = "tcuihsnfdlaor"
"""Letters of the fields, in the order in which they are sent."""

NO_TOKEN = "0"  # noqa: S105  (nothing secret: it says that the client gave no token)
TOKEN_DIGITS_MAX = 3


class WhoOptions(msgspec.Struct, frozen=True):
    """The options of a WHO command."""

    operators_only: bool = False
    """The "o" flag: list network operators only."""
    fields: str | None = None
    """Letters of `FIELDS` in their order; None for the ordinary reply."""
    token: str = NO_TOKEN


def parse_options(text: str) -> WhoOptions:
    """Parse the parameter, ignoring unknown parts as the specification requires."""
    flags, percent, rest = text.partition("%")
    operators_only = "o" in flags
    if not percent:
        return WhoOptions(operators_only=operators_only)
    letters, _, token = rest.partition(",")
    is_token = token.isascii() and token.isdigit() and len(token) <= TOKEN_DIGITS_MAX
    return WhoOptions(
        operators_only=operators_only,
        fields="".join(letter for letter in FIELDS if letter in letters),
        token=token if is_token else NO_TOKEN,
    )
