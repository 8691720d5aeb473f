"""A simulated cluster that is upgraded from the release before, node by node.

The nodes of the release before run its real code. Its engines and those of today apply one log, and
their states are compared at each position, as in every simulation.
"""

from typing import Any

import msgspec

from roost.chat.versions import VERSION
from support.simulation.cluster import SimulatedCluster
from support.simulation.node import CURRENT

FORMER = 1


class UpgradingCluster(SimulatedCluster):
    """A cluster whose nodes begin as nodes of version 1."""

    def __init__(self, seed: int, **options: Any) -> None:
        super().__init__(seed, **options)
        self.upgraded: dict[str, None] = {}
        """Nodes on whose machines this release is installed."""

    def _start_all(self) -> None:
        for node in self.nodes.values():
            node.release = FORMER
        super()._start_all()

    def install(self, name: str, release: int, *, is_disk_lost: bool = False) -> None:
        """Install a release on a node's machine, and restart the node."""
        self.world.log(f"{name} gets release {release}")
        self.nodes[name].release = release
        if release == CURRENT:
            self.upgraded[name] = None
        else:
            self.upgraded.pop(name, None)
        self.kill(name, down_s=self.world.random.uniform(0.05, 1.0), is_disk_lost=is_disk_lost)

    def upgrade_some(self) -> None:
        """Upgrade one more node; sometimes go back with another one, while that is possible."""
        random = self.world.random
        left = [name for name in self.names if name not in self.upgraded]
        if self.upgraded and len(left) > 1 and random.random() < 0.4:
            self.install(random.choice(list(self.upgraded)), FORMER)
        else:
            self.install(random.choice(left), CURRENT)

    def hold_back(self, name: str, version: int) -> None:
        """Set a node's `version_max`, for its next start."""
        node = self.nodes[name]
        node.config = msgspec.structs.replace(node.config, version_max=version)

    def upgrade(self) -> None:
        """Upgrade all nodes one after the other, and wait until the version has been raised."""
        for name in self.names:
            self.install(name, CURRENT)
            self.wait_ready()
        self.world.run_until(
            lambda: self.versions() == [VERSION] * len(self.names), 5.0, "the next version"
        )

    def versions(self) -> list[int]:
        """Return the cluster's version as each running node has it."""
        engines = [node.engine for node in self.nodes.values() if node.engine is not None]
        return [getattr(engine.state, "version", 1) for engine in engines]
