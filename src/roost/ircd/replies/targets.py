"""Lists of targets, separated by commas.

Source: modern.ircdocs.horse, "TARGMAX Parameter", "ERR_TOOMANYTARGETS (407)".
"""

from roost.chat.commands import OPERATIONS_MAX
from roost.irc import numerics
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle


def split_targets(
    context: Context, text: str, targets_max: int = OPERATIONS_MAX
) -> tuple[str, ...]:
    """Split a list, keeping empty items; refuse it if it has more than `targets_max`."""
    targets = tuple(text.split(","))
    if len(targets) <= targets_max:
        return targets
    excess = middle(targets[targets_max])
    context.reply(numerics.ERR_TOOMANYTARGETS, excess, f"Too many targets, up to {targets_max}")
    return ()
