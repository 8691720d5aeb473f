"""How long an empty node takes to join a cluster with many users.

    PYTHONPATH=tests python -m support.newcomer 100000

The users are always-on, each with an account and in a room of ten. They are put into the disks of
three nodes as a snapshot; then machines join one after the other. Wall time depends on what else
the computer does, and processor time does not.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from msgspec.structs import replace

from roost.chat.apply import apply_entry, skip
from roost.chat.credentials import Credentials
from roost.chat.ids import (
    AccountId,
    FoldedAccount,
    FoldedNick,
    FoldedRoom,
    Position,
    RoomId,
    UserId,
)
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import Account, Member, Room, State, User
from roost.ops import clock
from roost.raft.messages import ENTRY_COMMAND, Persist, Snapshot, Stored
from roost.storage import DataDirectory, HistoryStore, Identity, LogStore
from support.chat_invariants import check_invariants
from support.cluster import Cluster
from support.joined import Machines

ROOM_SIZE = 10
LATER = 1_000
"""Entries that the snapshot is ahead of what the cluster has, so that it has no part of it."""
JOINS = 3
WAIT_S_MAX = 120.0


def fill(state: State, users: int) -> None:
    """Add always-on users whose clients have just left."""
    now_ms = clock.now().wall_ms
    state.settings = replace(state.settings, always_on_users_max=users)
    for number in range(users):
        room = RoomId(10_000 + number // ROOM_SIZE)
        if room not in state.rooms:
            state.rooms[room] = Room(room, f"#room{room}", now_ms)
            state.room_names[FoldedRoom(f"#room{room}")] = room
        user, account, nick = UserId(10**6 + number), AccountId(10**7 + number), f"user{number}"
        state.accounts[FoldedAccount(nick)] = Account(
            account, nick, now_ms, Credentials(), is_always_on=True, nicks=(FoldedNick(nick),)
        )
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        state.users[user] = User(
            user,
            nick,
            f"~u{number}",
            f"Real Name {number}",
            host,
            nick,
            "",
            "",
            now_ms,
            now_ms,
            rooms=(room,),
            account_id=account,
        )
        state.nicks[FoldedNick(nick)] = user
        state.users_by_account[FoldedAccount(nick)] = {user: None}
        state.always_on[FoldedAccount(nick)] = user
        state.absent[user] = now_ms
        state.rooms[room].members[user] = Member(0, state.position)


def put(data: Path, users: int) -> int:
    """Give the nodes of a stopped cluster a snapshot with more users; return its size in bytes."""
    made: Snapshot | None = None
    for file in sorted(data.rglob("identity.json")):
        known = json.loads(file.read_text(encoding="utf-8"))
        identity = Identity(known["cluster"], known["node"])
        with DataDirectory.open(file.parent, identity, is_founding=False) as directory:
            log = LogStore(directory)
            stored = log.load()
            if made is None:
                made = _with_users(stored, users)
            log.write([Persist(1, stored.hard_state, made, (), ())])
            log.close()
            history = HistoryStore(directory)
            history.write((), Position(made.index))
            history.close()
    assert made is not None
    return len(made.data)


def _with_users(stored: Stored, users: int) -> Snapshot:
    """Return the state that a log leads to, with more users."""
    state = decode_state(stored.snapshot.data) if stored.snapshot else State()
    for entry in stored.entries:
        position = Position(entry.index)
        if entry.kind == ENTRY_COMMAND:
            apply_entry(state, entry.data, position, entry.time_ms)
        else:
            skip(state, position, entry.time_ms)
    state.position = Position(state.position + LATER)
    fill(state, users)
    check_invariants(state)
    return Snapshot(state.position, stored.entries[-1].term, state.time_ms, encode_state(state))


def join(machines: Machines, cluster: Cluster, name: str) -> None:
    """Let a machine join, and print how long it took from its start to its being ready."""
    token = machines.token(name)
    begin = clock.monotonic()
    machines.join(name, token)
    cluster.wait_for(
        lambda status: any(node.name == name and node.state == "ready" for node in status.nodes),
        f"ready {name}",
        WAIT_S_MAX,
    )
    seconds = clock.monotonic() - begin
    stat = Path(f"/proc/{cluster.node(name).pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    processor_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    print(
        f"{name}: ready after {seconds:.1f} s, {processor_s:.1f} s of processor time, "
        f"load {os.getloadavg()[0]:.0f}"
    )


def main() -> None:
    """Measure with as many users as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("users", type=int)
    users = parser.parse_args().users
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with Cluster(data) as cluster:
            cluster.wait_whole()
        print(f"{users} users: a state of {put(data, users) / 1e6:.1f} MB")
        with Cluster(data) as cluster, Machines(cluster, Path(folder)) as machines:
            cluster.wait_whole()
            for number in range(JOINS):
                join(machines, cluster, f"m{number}")


if __name__ == "__main__":
    main()
