"""Run a simulation of a seed, and print what happened: for a process beside the tests' own.

python -m support.simulation.same_run SEED
"""

import json
import sys

from support.simulation.cluster import Faults, SimulatedCluster

EVERYTHING = Faults(
    loss=0.01,
    crashes=0.3,
    partitions=0.2,
    freezes=0.2,
    disk_losses=0.05,
    disk_rollbacks=0.05,
    stalls=0.5,
    moves=2.0,
    drains=0.1,
    clock_jumps=0.2,
    balancer_crashes=0.1,
)


def run(seed: int) -> list[str]:
    """Return the trace of a run, and what each client sent and saw."""
    cluster = SimulatedCluster(seed, faults=EVERYTHING)
    cluster.start_people()
    cluster.start_faults()
    cluster.world.run(6.0)
    return [*cluster.world.trace, *(client.tell() for client in cluster.clients)]


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
