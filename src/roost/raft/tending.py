"""Who is to vote: what a leader changes about the group, one step at a time. Nobody names roles.

    the registry, who is linked, what each reports --> `next_step` --> the next configuration

All nodes of a small cluster vote. Of more nodes than `voters_max`, so many do. A new node first
learns (thesis 4.2.1); it is made a voter when it has caught up and written everything to its disk.
A voter that stays away is replaced: another one is promoted first, so that the group is never
smaller than it has to be. No step is taken after which the voters that are up were no majority.

`next_step` is a function of its arguments. `Tending` collects these.
"""

from collections.abc import Sequence

import msgspec

from roost.raft.core import Core
from roost.raft.messages import Configuration, Report
from roost.raft.quorum import majority
from roost.raft.role import Role

REPORT_S = 0.5
"""How often a member tells its leader how it is. Voters do so with an answer: nobody is woken for
it."""
REPORT_ALONE_S = 1.2
"""When a voter does so without one: each answers an idle leader every 0.4 s."""
REPORT_S_MAX = 2.0
"""An older report says nothing: several must have been lost."""
LAG_MAX = 1_000
"""Entries that a learner may lack when it is promoted: it catches up in much less than an election
time-out, even if it is needed for a majority at once."""


class Policy(msgspec.Struct, frozen=True):
    """What the cluster's settings say."""

    voters_max: int
    """Odd: an even number tolerates no more failures than the one below it."""
    absence_s_max: float
    """How long a voter may be gone before it is replaced."""


class Standing(msgspec.Struct, frozen=True):
    """A node as the leader sees it."""

    gone_s: float = 0.0
    """How long it has been without a link; 0 if it has one."""
    is_sound: bool = False
    """It could vote: it is linked, and has all that it ever promised to keep."""
    has_caught_up: bool = False
    """It lacks little of what is committed."""
    is_durable: bool = False
    """It lacks little on its disk, too."""


class Step(msgspec.Struct, frozen=True):
    """What to do next."""

    configuration: Configuration | None = None
    prepared: str = ""
    """The learner that is to write everything to its disk, because it is to vote soon."""
    is_handover: bool = False
    """The leader is to be removed, so another one should lead."""


NOTHING = Step()


def next_step(
    leader: str,
    group: Configuration,
    nodes: Sequence[str],
    standings: dict[str, Standing],
    policy: Policy,
) -> Step:
    """Return the next step towards the group that the registry and the policy ask for.

    `nodes` are those that belong to the cluster, the oldest first.
    """
    voters, learners = group.voters, group.learners
    known = tuple(name for name in nodes if name not in voters)
    if sorted(known) != sorted(learners):
        # Learners promise nothing, so any number of them may come and go at once.
        return Step(Configuration(voters, known))
    wanted = min(len(nodes), policy.voters_max)
    present = [name for name in voters if name in nodes]
    lasting = [name for name in present if standings[name].gone_s <= policy.absence_s_max]
    if len(lasting) < wanted:
        step = _promotion(group, standings)
        if step is not None:
            return step
    leaving = _leaving(leader, group, nodes, standings, wanted)
    if not leaving:
        return NOTHING
    is_short = len(voters) - 1 < wanted
    if is_short and any(not standings[name].gone_s for name in learners if name in nodes):
        # Another one will soon vote in its place. Until then the removed one may still be needed.
        return NOTHING
    if leaving == leader:
        return Step(is_handover=True)
    rest = tuple(name for name in voters if name != leaving)
    if not has_majority(rest, standings):
        return NOTHING
    return Step(Configuration(rest, (*learners, leaving) if leaving in nodes else learners))


def has_majority(voters: Sequence[str], standings: dict[str, Standing]) -> bool:
    """Return whether enough of these voters are up."""
    up = sum(standings[name].is_sound for name in voters if name in standings)
    return up >= majority(len(voters)) and bool(voters)


def _promotion(group: Configuration, standings: dict[str, Standing]) -> Step | None:
    """Return the step that makes a voter of a learner; None if no learner is fit for it."""
    for name in group.learners:
        standing = standings[name]
        voters = (*group.voters, name)
        if not (standing.is_sound and standing.has_caught_up and has_majority(voters, standings)):
            continue
        if not standing.is_durable:
            return Step(prepared=name)
        return Step(Configuration(voters, tuple(n for n in group.learners if n != name)))
    return None


def _leaving(
    leader: str,
    group: Configuration,
    nodes: Sequence[str],
    standings: dict[str, Standing],
    wanted: int,
) -> str:
    """Return the voter that is to vote no longer; empty for none."""
    removed = [name for name in group.voters if name not in nodes]
    if removed:
        # The leader goes last: until then it can do it.
        return min(removed, key=lambda name: (name == leader, name))
    if len(group.voters) <= wanted:
        return ""
    others = [name for name in group.voters if name != leader]
    newest_last = {name: number for number, name in enumerate(nodes)}
    return max(others, key=lambda name: (standings[name].gone_s, newest_last[name]))


class Tending:
    """What a replica knows of the others, and the steps that it takes while it leads."""

    __slots__ = ("_alone_due", "_core", "_gone_since", "_report_due", "_reports")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reports: dict[str, tuple[float, Report, int]] = {}
        """When each member reported, what, and the commit index at that moment."""
        self._gone_since: dict[str, float] = {}
        self._report_due = self._alone_due = core.now.monotonic

    # Reports

    def tick(self) -> None:
        """Tell the leader how this replica is, if that cannot wait for an answer."""
        if self._core.now.monotonic >= self._alone_due:
            self._report()

    def answering(self, *, is_asked: bool) -> None:
        """Tell the leader how this replica is, if it gets an answer anyway and it is time to."""
        if is_asked and self._core.now.monotonic >= self._report_due:
            self._report()

    def _report(self) -> None:
        core = self._core
        now = core.now.monotonic
        self._report_due = now + REPORT_S
        self._alone_due = now + (REPORT_ALONE_S if core.membership.is_voter else REPORT_S)
        if core.role is Role.FOLLOWER and core.is_linked(core.leader):
            report = Report(core.commit_index, core.outbox.durable_index, core.is_sound)
            core.outbox.send(core.leader, report)

    def next_deadline(self) -> float:
        """Return when to call `tick` next, in monotonic seconds; infinity if never."""
        core = self._core
        has_leader = core.role is Role.FOLLOWER and core.is_linked(core.leader)
        return self._alone_due if has_leader else float("inf")

    def receive(self, sender: str, report: Report) -> None:
        core = self._core
        self._reports[sender] = (core.now.monotonic, report, core.commit_index)

    def linked(self, name: str) -> None:
        self._gone_since.pop(name, None)
        self._report_due = self._alone_due = self._core.now.monotonic

    def unlinked(self, name: str) -> None:
        self._gone_since.setdefault(name, self._core.now.monotonic)
        self._reports.pop(name, None)

    # Steps

    def next_step(self, nodes: Sequence[str], policy: Policy) -> Step:
        """Return what to change next, given the nodes that belong to the cluster."""
        core = self._core
        membership = core.membership
        if not membership.is_explicit:
            return Step(membership.latest)
        names = dict.fromkeys((*nodes, *membership.members))
        standings = {name: self._standing(name) for name in names}
        return next_step(core.name, membership.latest, nodes, standings, policy)

    def _standing(self, name: str) -> Standing:
        core = self._core
        now = core.now.monotonic
        if name == core.name:
            return Standing(is_sound=True, has_caught_up=True, is_durable=True)
        if not core.is_linked(name):
            since = self._gone_since.setdefault(name, now)
            return Standing(gone_s=now - since)
        at, report, commit = self._reports.get(name, (float("-inf"), None, 0))
        if report is None or now - at > REPORT_S_MAX:
            return Standing()
        return Standing(
            is_sound=report.is_sound,
            has_caught_up=report.commit >= commit - LAG_MAX,
            is_durable=report.durable >= commit - LAG_MAX,
        )

    def can_spare(self, name: str) -> tuple[int, int]:
        """Return how many voters would be up without one, and how many are needed then."""
        rest = [voter for voter in self._core.membership.voters if voter != name]
        up = sum(voter == self._core.name or self._core.is_linked(voter) for voter in rest)
        return up, majority(len(rest))
