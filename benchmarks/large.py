"""One room of 10,000: a message, everybody's JOIN at once, NAMES, and the death of a server."""

import contextlib
import os
import signal
import statistics
import time
from functools import partial
from pathlib import Path

from benchmarks.generator import connected
from benchmarks.irc import Client
from benchmarks.processes import processor_seconds
from benchmarks.systems import ROOST, System
from benchmarks.workload import Figures, Scale, figures_of

CLIENTS = 10_000
NAMES = 10
"""How often somebody asks who is in the room."""
ANSWER_S_MAX = 60.0
MESSAGES_PER_S = 5.0
"""To everybody: 50,000 deliveries a second."""


def large_room(program: Path, system: System, scale: Scale) -> Figures:
    """Connect 10,000 clients, have all join one room at once, talk, ask, and kill a server."""
    clients = scale.count(CLIENTS)
    figures: Figures = {}
    with connected(program, system, clients, 1, "apart", "lossy") as generator:
        storm = generator.storm()
        figures = {
            "connect_s": generator.join_seconds,
            "storm_joined_s": storm.joined_seconds,
            "storm_s": storm.seconds,
            "storm_cpu_s": storm.system_seconds,
            "lost@storm": float(max(0, storm.expected - storm.seen)),
        }
        talk = generator.talk(MESSAGES_PER_S, scale.seconds)
        figures.update(figures_of(talk, scale.seconds))
        figures["message_ms"] = talk.cost_us * clients / 1000
        figures["max_ms"] = talk.max_ms
        with contextlib.suppress(TimeoutError):  # it is not done with everybody's JOIN yet
            figures.update(_names(system))
        kill = partial(os.kill, _victim(system), signal.SIGKILL)
        before = talk.cut_off
        talk = generator.talk(MESSAGES_PER_S, scale.seconds, meanwhile=kill)
        figures["kill_max_ms"] = talk.max_ms
        figures["kill_cut_off"] = float(talk.cut_off - before)
        figures["kill_missing"] = float(talk.missing)
        figures["kill_disorder"] = float(talk.gaps + talk.repeats)
    return figures


def _names(system: System) -> Figures:
    times = []
    with Client(system.port, "reader", ANSWER_S_MAX) as client:
        client.wait_for(" 001 ")
        client.say("JOIN #xr0")
        client.wait_for(" 366 ")
        spent = processor_seconds(system.processes)
        for _ in range(NAMES):
            begun = time.monotonic()
            client.say("NAMES #xr0")
            client.wait_for(" 366 ")
            times.append((time.monotonic() - begun) * 1000)
        spent = processor_seconds(system.processes) - spent
    return {"names_ms": statistics.median(times), "names_cpu_ms": spent / NAMES * 1000}


def _victim(system: System) -> int:
    """Return the process of a server with clients: of Roost, the leading node."""
    if system.name == ROOST:
        leader = next(node for node in system.status()["nodes"] if node["leader"])
        return int(leader["pid"])
    return system.fallible
