"""What more nodes cost: the same talk with three nodes, all of which vote, and with seven."""

import statistics
from pathlib import Path

from benchmarks.generator import connected
from benchmarks.processes import processor_seconds, wait_until
from benchmarks.systems import System
from benchmarks.workload import Figures, Scale, figures_of

CLIENTS = 1000
ROOMS = 150
MESSAGES_PER_S = 3000.0
VOTERS = 5
"""Of more nodes, the others learn."""


def more_nodes(program: Path, system: System, scale: Scale) -> Figures:
    """Send 3,000 messages a second to 150 rooms, and see what each node takes."""
    rooms = scale.count(ROOMS)
    wait_until(lambda: sum(_votes(system).values()) <= VOTERS, "the voters")
    nodes = _votes(system)
    before: dict[int, float] = {}

    def look() -> None:
        before.update({process: processor_seconds([process]) for process in nodes})

    with connected(program, system, scale.count(CLIENTS, rooms), rooms) as generator:
        talk = generator.talk(scale.rate(MESSAGES_PER_S), scale.seconds, meanwhile=look)
    spent = {process: processor_seconds([process]) - before[process] for process in nodes}
    figures = figures_of(talk, scale.seconds)
    messages = scale.rate(MESSAGES_PER_S) * scale.seconds
    figures["message_us"] = talk.system_seconds / messages * 1e6
    for role, votes in (("voter", True), ("learner", False)):
        found = [spent[process] / scale.seconds for process in nodes if nodes[process] is votes]
        if found:
            figures[f"{role}_cores"] = statistics.mean(found)
    return figures


def _votes(system: System) -> dict[int, bool]:
    """Return which processes are nodes, and whether they vote."""
    return {node["pid"]: node["votes"] for node in system.status()["nodes"]}
