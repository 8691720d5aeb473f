"""Who votes and who learns: the configurations in the log (thesis, chapter 4).

    file's members, or the snapshot's | entry 7: +learner n4 | entry 9: n4 votes     (latest counts)

A configuration is an entry of the log and counts from the moment it is *appended*, committed or not
(4.1). If the entry is replaced, the one before it counts again. *Voters* elect, commit and lead.
*Learners* are sent committed entries and promise nothing. Voters change one at a time, so that any
two majorities of neighbouring configurations share a member (4.1).
"""

from collections.abc import Iterable

import msgspec

from roost.raft.messages import ENTRY_CONFIGURATION, Configuration, Entry, Snapshot
from roost.raft.quorum import majority

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Configuration)


def encode_configuration(configuration: Configuration) -> bytes:
    """Return the data of an entry of kind `ENTRY_CONFIGURATION`."""
    return _encoder.encode(configuration)


def is_single_change(old: Configuration, new: Configuration) -> bool:
    """Return whether at most one voter is added or removed, and one is left (4.1)."""
    differing = sum(name not in new.voters for name in old.voters)
    differing += sum(name not in old.voters for name in new.voters)
    return differing <= 1 and bool(new.voters)


class Membership:
    """The latest configuration of a log, and those that it may fall back to."""

    __slots__ = (
        "_is_first_explicit",
        "_known",
        "is_voter",
        "learners",
        "members",
        "members_before",
        "name",
        "peers",
        "quorum",
        "voters",
    )

    def __init__(
        self,
        name: str,
        members: tuple[str, ...],
        snapshot: Snapshot | None,
        entries: Iterable[Entry],
    ) -> None:
        """Read what is stored; `members` vote if nothing stored says otherwise."""
        self.name = name
        self._known: list[tuple[int, Configuration]] = []
        """Index and configuration, ascending; the first one is committed."""
        if snapshot is None:
            self._known.append((0, Configuration(members)))
        else:
            self._known.append((snapshot.index, snapshot.configuration or Configuration(members)))
        self._is_first_explicit = snapshot is not None and snapshot.configuration is not None
        base = self._known[0][0]
        self._derive()
        self.appended(entry for entry in entries if entry.index > base)

    @property
    def index(self) -> int:
        """The index of the latest configuration; 0, or a snapshot's, if the log has none."""
        return self._known[-1][0]

    @property
    def is_explicit(self) -> bool:
        """Whether the log says who votes, and not just this node's file."""
        return self._is_first_explicit or len(self._known) > 1

    @property
    def latest(self) -> Configuration:
        """The configuration that counts."""
        return self._known[-1][1]

    def at(self, index: int) -> Configuration | None:
        """Return the one that counted at `index`; None if that was only in this node's file."""
        for since, configuration in reversed(self._known):
            if since <= index:
                is_first = (since, configuration) == self._known[0]
                return None if is_first and not self._is_first_explicit else configuration
        raise AssertionError("configurations before the log's beginning are not known")

    def may_stand(self, commit_index: int) -> bool:
        """Return whether this member may stand for election.

        One that its latest configuration leaves out must still do so until that is committed: it
        may be the only one that has it (4.2.2).
        """
        if self.is_voter:
            return True
        return (
            self.index > commit_index
            and len(self._known) > 1
            and self.name in self._known[-2][1].voters
        )

    # Changes of the log

    def appended(self, entries: Iterable[Entry]) -> bool:
        """Note new entries; return whether the configuration has changed."""
        found = [entry for entry in entries if entry.kind == ENTRY_CONFIGURATION]
        for entry in found:
            self._known.append((entry.index, _decoder.decode(entry.data)))
        if found:
            self._derive()
        return bool(found)

    def truncated(self, index: int) -> bool:
        """Note that the log was cut from `index` on; return whether the configuration changed."""
        count = len(self._known)
        while self._known[-1][0] >= index:
            assert len(self._known) > 1, "a committed configuration is never replaced"
            self._known.pop()
        if len(self._known) < count:
            self._derive()
        return len(self._known) < count

    def restarted(self, snapshot: Snapshot) -> None:
        """Note that a snapshot replaced the log; one of an earlier version names nobody."""
        configuration = snapshot.configuration
        if configuration is None:
            configuration = self.latest
        else:
            self._is_first_explicit = True
        self._known = [(snapshot.index, configuration)]
        self._derive()

    def compacted(self, index: int) -> None:
        """Forget the configurations that one up to `index`, which is committed, has replaced."""
        while len(self._known) > 1 and self._known[1][0] <= index:
            self._known.pop(0)
            self._is_first_explicit = True

    def _derive(self) -> None:
        latest = self.latest
        self.voters = latest.voters
        self.learners = latest.learners
        self.members = latest.members
        before = self._known[-2:][0][1]
        self.members_before = tuple(dict.fromkeys((*latest.members, *before.members)))
        """The members, and those of the configuration before, which may come to count again."""
        self.is_voter = self.name in latest.voters
        self.peers = tuple(name for name in latest.voters if name != self.name)
        """The other voters."""
        self.quorum = majority(len(latest.voters))
