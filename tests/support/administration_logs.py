"""Random requests of administrators and of machines that join."""

import random

from roost.chat.commands.administration import (
    Administer,
    Administration,
    ExpireTokens,
    IssueToken,
    RedeemToken,
)

TOKENS = ("s", "t", "")
CLAIMS = ("mine", "theirs", "")
VALID_MS = (0, 50, 900, 10**12)


def administer(dice: random.Random) -> Administer | ExpireTokens:
    """Create a request, of which some have been made before."""
    if dice.random() < 0.2:
        return ExpireTokens()
    return Administer(str(dice.randrange(1_000)), _operation(dice))


def _operation(dice: random.Random) -> Administration:
    if dice.random() < 0.5:
        return RedeemToken(dice.choice(TOKENS), dice.choice(CLAIMS))
    node = dice.choice(("n4", "n5"))
    return IssueToken(dice.choice(TOKENS), node, "host", dice.choice(VALID_MS), b"sealed")
