"""Random requests of administrators and of machines that join."""

import random

from roost.chat.commands.administration import (
    AddNode,
    Administer,
    Administration,
    Control,
    ExpireTokens,
    FoundCluster,
    IssueToken,
    RedeemToken,
    RemoveNode,
    ShowAccounts,
    ShowNodes,
)
from roost.chat.ids import AccountId
from support.account_logs import control

NODES = ("n1", "n2", "n4", "n5", "")
TOKENS = ("s", "t", "")
CLAIMS = ("mine", "theirs", "")
VALID_MS = (0, 50, 900, 10**12)


def administer(dice: random.Random) -> Administer | ExpireTokens | FoundCluster:
    """Create a request, of which some have been made before."""
    chance = dice.random()
    if chance < 0.1:
        return ExpireTokens()
    if chance < 0.2:
        return FoundCluster(("n1", "n2"))
    return Administer(str(dice.randrange(1_000)), _operation(dice))


def _operation(dice: random.Random) -> Administration:
    node, token = dice.choice(NODES), dice.choice(TOKENS)
    return dice.choice(
        (
            RedeemToken(token, dice.choice(CLAIMS)),
            IssueToken(token, node, "host", dice.choice(VALID_MS), b"sealed"),
            AddNode(node, "host"),
            RemoveNode(node),
            ShowNodes(),
            ShowAccounts(),
            Control(control(dice, AccountId(dice.randrange(1_000)))),
        )
    )
