"""How this node is: what it tells balancers, put together from all its parts."""

from dataclasses import dataclass

from roost.ircd.server import Server
from roost.log import Log, LogStatus
from roost.node.engine.applier import Applier
from roost.node.engine.astray import Astray
from roost.node.engine.belonging import Belonging
from roost.node.engine.cluster_clock import ClusterClock
from roost.node.engine.historian import Historian
from roost.node.engine.outputs import Outputs
from roost.node.engine.readiness import Readiness
from roost.node.engine.versions import Versions
from roost.protocol.trunk import NeighbourStatus, Status


@dataclass(slots=True)
class Condition:
    """The engine's own parts, to be read only."""

    readiness: Readiness
    astray: Astray
    belonging: Belonging
    versions: Versions
    peers: list[str]
    """The linked neighbours."""
    log: Log
    applier: Applier
    outputs: Outputs
    historian: Historian
    clock: ClusterClock
    server: Server
    round_trips: dict[str, float]
    """To each neighbour, in milliseconds."""
    lag_ms: float = 0.0
    """How late the event loop is."""
    is_stopping: bool = False

    @property
    def has_time(self) -> bool:
        """Whether this node may give entries their time: no clock is believed alone."""
        return self.log.is_kept_by_nodes or self.clock.is_settled

    def judge(self, log: LogStatus) -> tuple[str, str]:
        """Return the state in one word, and the reason for people (empty when ready)."""
        voters, state = self.log.voters, self.applier.state
        return self.readiness.judge(
            astray=self.astray.problem,
            removal=self.belonging.removal(self.peers),
            outdated=self.versions.fault(state, self.peers),
            peers=sum(peer in voters for peer in self.peers),
            voters=len(voters),
            log=log,
            applied=state.position,
            history_missing=self.historian.missing,
            clock_offset_ms=self.clock.offset_ms if self.clock.is_wrong else 0,
            has_time=self.has_time,
            is_configured=self.versions.is_configured(state),
            is_stopping=self.is_stopping,
        )

    def status(self) -> Status:
        """Return what balancers are told."""
        log = self.log.status()
        state, reason = self.judge(log)
        rtt = self.round_trips.get
        return Status(
            state=state,
            reason=reason or self.astray.note or self.log.note or self.historian.problem,
            leader=log.leader,
            term=log.term,
            position=log.position,
            applied=self.outputs.shown,
            sessions=self.server.session_count,
            neighbours=tuple(NeighbourStatus(name, rtt(name, 0.0)) for name in self.peers),
            lag_ms=self.lag_ms,
            deliveries=self.server.deliveries,
            clock_offset_ms=self.clock.offset_ms,
            reaches=self.server.reaches,
            is_voter=log.is_voter,
            version=self.applier.state.version,
        )
