"""Ping the server, to measure the round trip and to notice when it is gone."""

from roost.client.model.effects import Abandon
from roost.client.model.state import Liveness, State
from roost.client.model.status import Phase, Problem, ProblemKind

PING_INTERVAL_S = 15.0
"""Often enough for a useful round-trip time, and seldom enough to cost nothing."""
SILENCE_S = 40.0
"""A connection without a single line for so long is abandoned, although a PING was sent."""
HELD_SILENCE_S = 300.0
"""The same, while the server says that it cannot serve us at the moment."""
REGISTRATION_S = 30.0
"""How long registration may take; slow servers look up host names for ten seconds."""


def connected(state: State) -> None:
    """Start the timers of a new connection."""
    now = state.moment.monotonic_s
    state.liveness = Liveness(now, now, None, state.liveness.number)


def heard(state: State) -> None:
    """Note that a line came."""
    state.liveness.heard_s = state.moment.monotonic_s


def receive_pong(state: State, purpose: str) -> None:
    """Measure the round trip if the PONG answers the last PING."""
    liveness = state.liveness
    if liveness.asked_s is not None and purpose == f"rtt{liveness.number}":
        state.connection.round_trip_ms = (state.moment.monotonic_s - liveness.asked_s) * 1000
        state.connection.waiting_text = ""
        liveness.asked_s = None


def tick(state: State) -> None:
    """Send a PING if one is due; abandon the connection if the server is silent too long."""
    now, liveness, connection = state.moment.monotonic_s, state.liveness, state.connection
    is_held = bool(connection.waiting_text)
    if connection.phase is Phase.REGISTERING:
        if now - liveness.pinged_s > (HELD_SILENCE_S if is_held else REGISTRATION_S):
            _give_up(state, "The server does not answer.")
    elif connection.phase is Phase.ONLINE:
        silence_s = now - liveness.heard_s
        is_due = now - liveness.pinged_s >= PING_INTERVAL_S or connection.round_trip_ms is None
        if silence_s > (HELD_SILENCE_S if is_held else SILENCE_S):
            _give_up(state, f"The server has been silent for {silence_s:.0f} seconds.")
        elif liveness.asked_s is None and is_due:
            liveness.number += 1
            liveness.pinged_s = liveness.asked_s = now
            state.emit("PING", f"{state.nonce}-rtt{liveness.number}")


def _give_up(state: State, text: str) -> None:
    state.liveness.heard_s = state.liveness.pinged_s = state.moment.monotonic_s
    state.effects.append(Abandon(Problem(ProblemKind.SILENT, text)))
