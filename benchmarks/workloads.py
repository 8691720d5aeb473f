"""The workloads, and the systems that they apply to.

Each run starts a system of its own, so that no run sees what another left behind. Each returns
figures by name; `report.py` explains the names.
"""

import contextlib
import math
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.generator import Talk, connected
from benchmarks.growth import more_nodes
from benchmarks.irc import Client
from benchmarks.large import large_room
from benchmarks.processes import memory_bytes, processor_seconds, wait_until
from benchmarks.systems import (
    EJABBERD,
    INSPIRCD,
    INSPIRCD_LARGE,
    NGIRCD,
    ROOST,
    ROOST_OF_7,
    ROOST_ON_ETCD,
    System,
)
from benchmarks.workload import Figures, Scale, Workload, figures_of

SUSTAINED_P99_MS = 250.0
"""A rate is sustained if nothing is lost and 99% of deliveries come within this time."""
NO_WARM_UP_S = 0.001
CLIENTS = 1000
IDLE = 5000
CALM_LOOKS_MAX = 20
ROOMS_OF_100 = 10
ROOMS_OF_5 = 200
OTHERS = {ROOMS_OF_100: 99, ROOMS_OF_5: 4}
"""Deliveries per message."""
ALL_THAT_IS_KEPT = (8000.0, 13.0)
"""A rate and a duration that fill the log between two snapshots and all buffers."""
LARGE = 1_000_000
LARGE_S_MAX = 600.0
ALL = (ROOST, INSPIRCD, NGIRCD)


def _rooms_of_100(program: Path, system: System, scale: Scale) -> Figures:
    """10 rooms of 100, at four rates, and then at increasing rates until the system fails."""
    figures: Figures = {}
    best = 0.0
    clients = scale.count(CLIENTS, ROOMS_OF_100)
    with connected(program, system, clients, ROOMS_OF_100) as generator:
        for full in (500.0, 2000.0, 4000.0, 7900.0):
            talk = generator.talk(scale.rate(full), scale.seconds)
            figures.update(figures_of(talk, scale.seconds, f"@{full:.0f}"))
            if _is_sustained(talk):
                best = full
        rate = best
        while best and best == rate and scale.is_full:
            rate = rate * 1.2
            if _is_sustained(generator.talk(rate, scale.seconds)):
                best = rate
    figures["sustained"] = best * OTHERS[ROOMS_OF_100]
    return figures


def _is_sustained(talk: Talk) -> bool:
    return talk.is_whole and talk.p99_ms <= SUSTAINED_P99_MS


def _rooms_of_5(program: Path, system: System, scale: Scale) -> Figures:
    """200 rooms of 5."""
    figures: Figures = {}
    rooms = scale.count(ROOMS_OF_5)
    with connected(program, system, rooms * 5, rooms) as generator:
        for full in (2000.0, 8000.0):
            talk = generator.talk(scale.rate(full), scale.seconds)
            figures.update(figures_of(talk, scale.seconds, f"@{full:.0f}"))
    return figures


def _archive(program: Path, system: System, scale: Scale) -> Figures:
    """Rooms of 100 and of 5, at rates that rise until the system does not sustain one."""
    figures: Figures = {}
    for prefix, size, rates in (("x", 100, (100.0, 200.0, 500.0)), ("y", 5, (400.0, 2000.0))):
        rooms = scale.count(CLIENTS // size)
        with connected(program, system, rooms * size, rooms, prefix=prefix) as generator:
            time.sleep(scale.seconds)  # until everybody has seen everybody
            for full in rates:
                talk = generator.talk(scale.rate(full), scale.seconds)
                if not _is_sustained(talk):
                    break  # it only becomes later and later
                figures.update(figures_of(talk, scale.seconds, f"@{size}x{full:.0f}"))
                figures[f"sustained@{size}"] = full * (size - 1)
    return figures


def _tls(program: Path, system: System, scale: Scale) -> Figures:
    """10 rooms of 100, by TLS."""
    figures: Figures = {}
    clients = scale.count(CLIENTS, ROOMS_OF_100)
    with connected(program, system, clients, ROOMS_OF_100, is_tls=True) as generator:
        for full in (500.0, 2000.0):
            talk = generator.talk(scale.rate(full), scale.seconds)
            figures.update(figures_of(talk, scale.seconds, f"@{full:.0f}"))
    return figures


def _idle(program: Path, system: System, scale: Scale, *, is_tls: bool = False) -> Figures:
    """5,000 clients join 50 rooms and then stay silent.

    Other clients talk before and after they join, until the server's buffers of recent messages are
    full. The difference in memory is what idle clients take.
    """
    clients = scale.count(IDLE, 50)
    with contextlib.ExitStack() as stack:
        fill = stack.enter_context(_filling(program, system, scale, is_tls=is_tls))
        for _ in range(2):  # once does not fill everything, and a third time adds nothing
            fill()
        before = memory_bytes(system.processes)
        spent = processor_seconds(system.processes)
        generator = stack.enter_context(connected(program, system, clients, 50, is_tls=is_tls))
        figures = {
            "join_s": generator.join_seconds,
            "join_cpu_s": processor_seconds(system.processes) - spent,
        }
        fill()
        figures["idle_bytes"] = (memory_bytes(system.processes) - before) / clients
        spent = processor_seconds(system.processes)
        time.sleep(scale.seconds)
        figures["idle_cores"] = (processor_seconds(system.processes) - spent) / scale.seconds
    return figures


def _idle_by_tls(program: Path, system: System, scale: Scale) -> Figures:
    return _idle(program, system, scale, is_tls=True)


@contextlib.contextmanager
def _filling(
    program: Path, system: System, scale: Scale, *, is_tls: bool
) -> Iterator[Callable[[], None]]:
    """Yield what fills all buffers of recent messages, and waits until everything is written.

    Some systems put work off until they are idle: that is waited for, too.
    """
    rate, seconds = ALL_THAT_IS_KEPT
    count, rooms, options = 1001, 1, ["gather"]
    if system.is_xmpp:
        # Only who is in a room may talk to it, and the archive takes less.
        count, rooms, options, rate = 200, 40, [], rate / 40
    with connected(
        program, system, scale.count(count), rooms, *options, prefix="h", is_tls=is_tls
    ) as talkers:

        def fill() -> None:
            talkers.talk(scale.rate(rate), min(seconds, 13 * scale.seconds), NO_WARM_UP_S)
            time.sleep(0.6 * scale.seconds)
            _wait_until_calm(system, 0.4 * scale.seconds)

        yield fill


def _wait_until_calm(system: System, look_s: float) -> None:
    """Wait until a system takes about as much processor time as in the look before."""
    spent = math.inf
    for _ in range(CALM_LOOKS_MAX):
        before, spent_before = processor_seconds(system.processes), spent
        time.sleep(look_s)
        spent = processor_seconds(system.processes) - before
        if spent > 0.8 * spent_before:
            return


def _log_alone(program: Path, system: System, scale: Scale) -> Figures:
    """Every client talks in a room of its own: all is replicated, nothing is delivered."""
    figures: Figures = {}
    clients = scale.count(CLIENTS)
    with connected(program, system, clients, clients) as generator:
        for rate in (10_000, 16_000):
            before = max(_applied(system))
            begun = time.monotonic()
            talk = generator.talk(scale.rate(rate), scale.seconds, NO_WARM_UP_S)
            messages = int(scale.rate(rate) * (scale.seconds + NO_WARM_UP_S)) - talk.unsent
            wait_until(partial(_has_applied, system, before + messages), "the log")
            seconds = time.monotonic() - begun
            figures[f"commits_per_s@{rate}"] = messages / seconds
            figures[f"behind_ms@{rate}"] = max(0.0, seconds - talk.send_seconds) * 1000
            figures[f"lost@{rate}"] = float(talk.unsent)
    return figures


def _engines(program: Path, system: System, scale: Scale) -> Figures:
    """10 rooms of 100, and as many messages as the log takes."""
    # The names of clients that have just left may still be taken.
    clients = scale.count(CLIENTS, ROOMS_OF_100)
    with connected(program, system, clients, ROOMS_OF_100, prefix="e") as generator:
        talk = generator.talk(scale.rate(500.0), scale.seconds)
        figures = figures_of(talk, scale.seconds, "@500")
    return {**figures, **_log_alone(program, system, scale)}


def _curves(program: Path, system: System, scale: Scale) -> Figures:
    """Repeat the same load while history and idle clients grow."""
    figures: Figures = {}
    clients, idle = scale.count(CLIENTS, ROOMS_OF_100), scale.count(IDLE)

    def cost_us() -> float:
        return generator.talk(scale.rate(500), scale.seconds).cost_us

    with connected(program, system, clients, ROOMS_OF_100) as generator:
        figures["cost_us@alone"] = cost_us()
        with connected(program, system, scale.count(1001), 1, "gather", prefix="h") as filler:
            filler.talk(scale.rate(5000), 8 * scale.seconds, NO_WARM_UP_S)
        figures["cost_us@history"] = cost_us()
        with connected(program, system, idle, idle, prefix="i"):
            figures["cost_us@idle"] = cost_us()
    return figures


def _applied(system: System) -> list[int]:
    return [node["applied"] for node in system.status()["nodes"]]


def _has_applied(system: System, position: int) -> bool:
    return min(_applied(system)) >= position


def _history(program: Path, system: System, scale: Scale) -> Figures:
    """Read from a room of 1,000,000 messages, and let a node that lost its disk catch up."""
    figures: Figures = {}
    absent = next(node for node in system.status()["nodes"] if not node["leader"])
    data = system.folder / "data" / absent["name"] / "data"
    with connected(program, system, scale.count(CLIENTS), 1, "gather") as generator:
        generator.talk(1000, 2)
        figures["latest_ms@small"] = _latest_ms(system.port)
        while _largest(system) < scale.count(LARGE):
            generator.talk(6000, 4 * scale.seconds, NO_WARM_UP_S)
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
    Workload("rooms-of-100", "1,000 clients in 10 rooms of 100", _rooms_of_100, ALL),
    Workload("rooms-of-5", "1,000 clients in 200 rooms of 5", _rooms_of_5, ALL),
    Workload("idle", "5,000 clients join 50 rooms, then are idle", _idle, (*ALL, EJABBERD)),
    Workload("archive", "Rooms whose history is kept", _archive, (ROOST, EJABBERD)),
    Workload("tls", "1,000 clients in 10 rooms of 100, by TLS", _tls, (ROOST, INSPIRCD)),
    Workload("tls-idle", "5,000 clients by TLS, then idle", _idle_by_tls, (ROOST, INSPIRCD)),
    Workload("log", "10,000 messages a second that nobody hears", _log_alone, (ROOST,)),
    Workload("engines", "The log on the nodes, and in etcd", _engines, (ROOST, ROOST_ON_ETCD)),
    Workload("nodes", "3,000 messages a second in 150 rooms", more_nodes, (ROOST, ROOST_OF_7)),
    Workload("large", "One room of 10,000", large_room, (ROOST, INSPIRCD_LARGE)),
    Workload("curves", "The first load beside growing things", _curves, (ROOST,)),
    Workload("history", "1,000,000 messages", _history, (ROOST,), is_repeated=False),
)
