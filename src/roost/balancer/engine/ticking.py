"""How often a balancer looks for what is due: seldom while nothing is, so that it is woken less."""

from roost.balancer.engine.exchange import Exchange

TICK_S = 0.05
"""Between two ticks while clients wait, or the state of a node may change."""
CALM = 4
"""How many times as long it is otherwise: half the time between two probes."""


def tick_interval_s(exchange: Exchange, now: float) -> float:
    """Return the time until the next tick; it must come sooner if `needs_ticks` becomes true."""
    if exchange.needs_ticks or any(node.health.needs_care(now) for node in exchange.pool):
        return TICK_S
    return TICK_S * CALM
