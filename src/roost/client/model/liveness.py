"""Whether the server is still there, and how far away it is: a PING now and then."""

from roost.client.model.effects import Abandon
from roost.client.model.state import State
from roost.client.model.status import Phase, Problem, ProblemKind

PING_INTERVAL_S = 15.0
"""Often enough for a round-trip time that means something, seldom enough to cost nothing."""
SILENCE_S = 40.0
"""Without a single line, although a PING was sent, the connection is given up."""
HELD_SILENCE_S = 300.0
"""As `SILENCE_S`, while the server has said that it cannot answer at the moment."""
REGISTRATION_S = 30.0
"""How long a server may take to let somebody in; looking up names takes the slow ones ten."""


def connected(state: State) -> None:
    """Count from now."""
    now = state.moment.monotonic_s
    state.heard_s = now
    state.pinged_s = now
    state.asked_s = None


def heard(state: State) -> None:
    """A line came."""
    state.heard_s = state.moment.monotonic_s


def receive_pong(state: State, purpose: str) -> None:
    """Take the answer to a PING of this module."""
    if state.asked_s is not None and purpose == f"rtt{state.ping_number}":
        state.connection.round_trip_ms = (state.moment.monotonic_s - state.asked_s) * 1000
        state.connection.waiting_text = ""
        state.asked_s = None
        state.touch_connection()


def tick(state: State) -> None:
    """Ask whether the server is there, or give it up."""
    now = state.moment.monotonic_s
    phase = state.connection.phase
    if phase is Phase.REGISTERING:
        patience = HELD_SILENCE_S if state.connection.waiting_text else REGISTRATION_S
        if now - state.pinged_s > patience:
            _give_up(state, "The server does not let us in: it answers nothing.")
        return
    if phase is not Phase.ONLINE:
        return
    silence = HELD_SILENCE_S if state.connection.waiting_text else SILENCE_S
    if now - state.heard_s > silence:
        _give_up(state, f"Nothing came from the server for {now - state.heard_s:.0f} seconds.")
    elif state.asked_s is None and (
        now - state.pinged_s >= PING_INTERVAL_S or state.connection.round_trip_ms is None
    ):
        state.ping_number += 1
        state.pinged_s = state.asked_s = now
        state.emit("PING", f"{state.nonce}-rtt{state.ping_number}")


def _give_up(state: State, text: str) -> None:
    state.heard_s = state.pinged_s = state.moment.monotonic_s
    state.effects.append(Abandon(Problem(ProblemKind.SILENT, text)))
