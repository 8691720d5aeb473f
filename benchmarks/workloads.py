"""The workloads, and the systems that they apply to.

Each run starts a system of its own, so that no run sees what another left behind. Each returns
figures by name; `report.py` explains the names.
"""

import contextlib
import os
import signal
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.generator import Talk, connected
from benchmarks.irc import Client
from benchmarks.processes import memory_bytes, processor_seconds, wait_until
from benchmarks.systems import INSPIRCD, NGIRCD, ROOST, ROOST_ON_ETCD, System

SUSTAINED_P99_MS = 250.0
"""A rate is sustained if nothing is lost and 99% of deliveries come within this time."""
SECONDS = 5.0
NO_WARM_UP_S = 0.001
CLIENTS = 1000
ROOMS_OF_100 = 10
ROOMS_OF_5 = 200
OTHERS = {ROOMS_OF_100: 99, ROOMS_OF_5: 4}
"""Deliveries per message."""
ALL_THAT_IS_KEPT = (8000.0, 13.0)
"""A rate and a duration that fill the log between two snapshots and all buffers."""
LARGE = 1_000_000
LARGE_S_MAX = 600.0

Figures = dict[str, float]


class Workload(msgspec.Struct, frozen=True):
    """One workload."""

    name: str
    title: str
    run: Callable[[Path, System], Figures]
    systems: tuple[str, ...] = (ROOST, INSPIRCD, NGIRCD)
    is_repeated: bool = True
    """Whether to run it several times; otherwise it repeats what it can by itself."""


def _figures(talk: Talk, suffix: str = "") -> Figures:
    figures = {
        "cost_us": talk.cost_us,
        "p50_ms": talk.p50_ms,
        "p99_ms": talk.p99_ms,
        "lost": float(talk.missing + talk.unsent),
        "disorder": float(talk.gaps + talk.repeats),
        "generator_cores": talk.own_seconds / talk.seconds,
        "system_cores": talk.system_seconds / SECONDS,
    }
    return {f"{name}{suffix}": figure for name, figure in figures.items()}


def _rooms_of_100(program: Path, system: System) -> Figures:
    """10 rooms of 100, at four rates, and then at increasing rates until the system fails."""
    figures: Figures = {}
    best = 0.0
    with connected(program, system, CLIENTS, ROOMS_OF_100) as generator:
        for rate in (500.0, 2000.0, 4000.0, 7900.0):
            talk = generator.talk(rate, SECONDS)
            figures.update(_figures(talk, f"@{rate:.0f}"))
            if talk.is_whole and talk.p99_ms <= SUSTAINED_P99_MS:
                best = rate
        rate = best
        while best and best == rate:
            rate = rate * 1.2
            talk = generator.talk(rate, SECONDS)
            if talk.is_whole and talk.p99_ms <= SUSTAINED_P99_MS:
                best = rate
    figures["sustained"] = best * OTHERS[ROOMS_OF_100]
    return figures


def _rooms_of_5(program: Path, system: System) -> Figures:
    """200 rooms of 5."""
    figures: Figures = {}
    with connected(program, system, CLIENTS, ROOMS_OF_5) as generator:
        for rate in (2000, 8000):
            figures.update(_figures(generator.talk(rate, SECONDS), f"@{rate}"))
    return figures


def _idle(program: Path, system: System) -> Figures:
    """5,000 clients join 50 rooms and then stay silent.

    Other clients talk before and after they join, until the server's buffers of recent messages are
    full. The difference in memory is what idle clients take.
    """
    clients = 5000
    with (
        connected(program, system, 1001, 1, is_gathering=True, prefix="h") as talkers,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(2):  # once does not fill everything, and a third time adds nothing
            talkers.talk(*ALL_THAT_IS_KEPT, NO_WARM_UP_S)
            time.sleep(3)  # until everything is written
        before = memory_bytes(system.processes)
        generator = stack.enter_context(connected(program, system, clients, 50))
        talkers.talk(*ALL_THAT_IS_KEPT, NO_WARM_UP_S)
        time.sleep(3)
        figures = {
            "join_s": generator.join_seconds,
            "idle_bytes": (memory_bytes(system.processes) - before) / clients,
        }
        spent = processor_seconds(system.processes)
        time.sleep(5)
        figures["idle_cores"] = (processor_seconds(system.processes) - spent) / 5
    return figures


def _log_alone(program: Path, system: System) -> Figures:
    """Every client talks in a room of its own: all is replicated, nothing is delivered."""
    figures: Figures = {}
    with connected(program, system, CLIENTS, CLIENTS) as generator:
        for rate in (10_000, 16_000):
            before = max(_applied(system))
            begun = time.monotonic()
            talk = generator.talk(rate, SECONDS, NO_WARM_UP_S)
            messages = int(rate * (SECONDS + NO_WARM_UP_S)) - talk.unsent
            wait_until(partial(_has_applied, system, before + messages), "the log")
            seconds = time.monotonic() - begun
            figures[f"commits_per_s@{rate}"] = messages / seconds
            figures[f"behind_ms@{rate}"] = max(0.0, seconds - talk.send_seconds) * 1000
            figures[f"lost@{rate}"] = float(talk.unsent)
    return figures


def _engines(program: Path, system: System) -> Figures:
    """10 rooms of 100, and as many messages as the log takes."""
    with connected(program, system, CLIENTS, ROOMS_OF_100) as generator:
        figures = _figures(generator.talk(500.0, SECONDS), "@500")
    return {**figures, **_log_alone(program, system)}


def _curves(program: Path, system: System) -> Figures:
    """Repeat the same load while history and idle clients grow."""
    figures: Figures = {}
    with connected(program, system, CLIENTS, ROOMS_OF_100) as generator:
        figures["cost_us@alone"] = generator.talk(500, SECONDS).cost_us
        with connected(program, system, 1001, 1, is_gathering=True, prefix="h") as filler:
            filler.talk(5000, 40, NO_WARM_UP_S)
        figures["cost_us@history"] = generator.talk(500, SECONDS).cost_us
        with connected(program, system, 5000, 5000, prefix="i"):
            figures["cost_us@idle"] = generator.talk(500, SECONDS).cost_us
    return figures


def _applied(system: System) -> list[int]:
    return [node["applied"] for node in system.status()["nodes"]]


def _has_applied(system: System, position: int) -> bool:
    return min(_applied(system)) >= position


def _history(program: Path, system: System) -> Figures:
    """Read from a room of 1,000,000 messages, and let a node that lost its disk catch up."""
    figures: Figures = {}
    absent = next(node for node in system.status()["nodes"] if not node["leader"])
    data = system.folder / "data" / absent["name"] / "data"
    with connected(program, system, CLIENTS, 1, is_gathering=True) as generator:
        generator.talk(1000, 2)
        figures["latest_ms@small"] = _latest_ms(system.port)
        seconds = 20
        while _largest(system) < LARGE:
            generator.talk(6000, seconds, NO_WARM_UP_S)
        figures["latest_ms@large"] = _latest_ms(system.port)
    rates = []
    for _ in range(3):
        os.kill(absent["pid"], signal.SIGKILL)
        # It has lost its disk, so its neighbours send it their whole history.
        for file in data.glob("*.db*"):
            file.unlink()
        begun = time.monotonic()
        lacked = _largest(system)
        is_back = partial(_is_back, system, absent, lacked)
        wait_until(is_back, "the node", LARGE_S_MAX)
        rates.append(lacked / (time.monotonic() - begun))
        absent = next(n for n in system.status()["nodes"] if n["name"] == absent["name"])
    figures["catch_up_per_s"] = statistics.median(rates)
    return figures


def _largest(system: System) -> int:
    return max(_applied(system))


def _is_back(system: System, former: dict[str, Any], position: int) -> bool:
    return any(
        node["name"] == former["name"]
        and node["pid"] != former["pid"]
        and node["applied"] >= position
        and node["state"] == "ready"
        for node in system.status()["nodes"]
    )


def _latest_ms(port: int) -> float:
    """Request the last 100 messages of a room 50 times; return the median time."""
    with Client(port, "reader") as client:
        client.say("CAP REQ :batch server-time message-tags draft/chathistory", "CAP END")
        client.wait_for(" 001 ")
        client.say("JOIN #xr0")
        client.wait_for(" 366 ")
        times = []
        for _ in range(50):
            begun = time.monotonic()
            client.say("CHATHISTORY LATEST #xr0 * 100")
            client.wait_for(" BATCH -")
            times.append((time.monotonic() - begun) * 1000)
        return statistics.median(times)


WORKLOADS = (
    Workload("rooms-of-100", "1,000 clients in 10 rooms of 100", _rooms_of_100),
    Workload("rooms-of-5", "1,000 clients in 200 rooms of 5", _rooms_of_5),
    Workload("idle", "5,000 clients join 50 rooms, then are idle", _idle),
    Workload("log", "10,000 messages a second that nobody hears", _log_alone, (ROOST,)),
    Workload("engines", "The log on the nodes, and in etcd", _engines, (ROOST, ROOST_ON_ETCD)),
    Workload("curves", "The first load beside growing things", _curves, (ROOST,)),
    Workload("history", "1,000,000 messages", _history, (ROOST,), is_repeated=False),
)
