"""Machines that join and nodes that are killed, many times in a row, while people talk.

    PYTHONPATH=tests python -m support.joining_soak 50 --seed 1

In each round a machine joins with a token, a node is killed with SIGKILL meanwhile, and another one
afterwards. From the sixth node on the oldest machine that joined is removed. At the end no message
may be lost, doubled or out of order, and no connection closed. A round takes about 15 s.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from roost.ops import clock
from support.background_load import BackgroundLoad
from support.cluster import Cluster
from support.joined import Machines

NODES_MAX = 5


class Soak:
    """A cluster whose nodes come, die and go."""

    def __init__(self, machines: Machines, dice: random.Random) -> None:
        self._machines = machines
        self._dice = dice
        self._nodes = ["n1", "n2", "n3"]
        self._joined: list[str] = []
        self.ready_s: list[float] = []
        """How long each machine took, from its token on, with a node killed meanwhile."""

    def go(self, number: int) -> None:
        """Let a machine join, and kill nodes."""
        name, begin = f"m{number}", clock.monotonic()
        self._machines.join(name)
        victim = self._kill_any(pause_s=self._dice.random())
        self._nodes.append(name)
        self._joined.append(name)
        self._machines.wait_nodes(*self._nodes)
        self.ready_s.append(clock.monotonic() - begin)
        second = self._kill_any()
        self._machines.wait_nodes(*self._nodes)
        if len(self._nodes) > NODES_MAX:
            self._remove(self._joined.pop(0))
        print(f"{name} joined after {self.ready_s[-1]:.1f} s; killed {victim} and {second}")

    def _kill_any(self, pause_s: float = 0.0) -> str:
        victim = self._dice.choice(self._nodes)
        self._machines.kill(victim)
        time.sleep(pause_s)
        self._machines.start(victim)
        return victim

    def _remove(self, name: str) -> None:
        self._machines.remove(name)
        self._nodes.remove(name)
        self._machines.wait_nodes(*self._nodes)
        self._machines[name].kill()


def main() -> None:
    """Do as many rounds as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=float, default=40.0)
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(Path(folder) / "data") as cluster,
        Machines(cluster, Path(folder)) as machines,
        BackgroundLoad(cluster, clients=wanted.clients, rooms=10, rate=wanted.rate),
    ):
        soak = Soak(machines, random.Random(wanted.seed))
        for number in range(wanted.rounds):
            soak.go(number)
        times = sorted(soak.ready_s)
        print(f"{len(times)} joins: p50 {times[len(times) // 2]:.1f} s, longest {times[-1]:.1f} s")


if __name__ == "__main__":
    main()
