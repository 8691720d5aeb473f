"""The only function that changes the chat state: it applies one entry.

`apply_entry` is deterministic and total. It reads nothing but its arguments, so equal logs make
equal states. What a client may not do is a refusal, never an exception. Each operation checks
everything before it changes anything, and its changes are plain assignments that cannot fail.

Should an entry raise all the same, it does so on every node alike and at the same point: the
operation that raised has done nothing, those before it stay and are shown, those after it are
skipped, and the entry is noted in `failed_entries`. The cluster goes on. Only `MemoryError` gets
through: it is the trouble of one node, which must stop before its state differs from the others.
"""

import msgspec

# These register what they apply; see `roost.chat.dispatch`.
from roost.chat import (  # noqa: F401
    acceptance,
    account_control,
    accounts,
    administration,
    autoreplay,
    balancers,
    configuration,
    control,
    erasing,
    hosts,
    invitations,
    metadata,
    modes,
    nodes,
    openings,
    operators,
    ownership,
    pushes,
    read_markers,
    redaction,
    renaming,
    retention,
    room_control,
    rooms,
    sessions,
    talk,
    tokens,
    users,
    verification,
)
from roost.chat.administration import check_administration
from roost.chat.applied import Applied
from roost.chat.commands import OPERATIONS_MAX, Act, Command, Request, decode_command
from roost.chat.commands.messages import Say
from roost.chat.control import check_control
from roost.chat.dispatch import (
    applies_command,
    check_complete,
    command_appliers,
    operation_appliers,
)
from roost.chat.ids import Position, SessionId
from roost.chat.state import State
from roost.chat.step import Step
from roost.chat.versions import VERSION, VersionError, as_of, check_versions

FAILED_ENTRIES_MAX = 100
"""Remembered positions of skipped entries; one is a bug, and a hundred are no better."""


def apply_entry(state: State, data: bytes, position: Position, time_ms: int) -> Applied:
    """Apply the data of an entry; never raises, except `MemoryError`."""
    step = Step(state, position, time_ms)
    skip(state, position, time_ms)
    command: Command | None = None
    try:
        command = decode_command(data)
        if state.version < VERSION:
            command = as_of(command, state.version)
        if type(command) is Act:
            return act(step, command)
        return command_appliers[type(command)](step, command)
    except MemoryError:
        raise
    except VersionError as error:
        # Nobody proposes it, and nodes of that version could not read it.
        failure = str(error)
    except msgspec.MsgspecError as error:
        failure = f"not a command: {error}"
    except Exception as error:  # noqa: BLE001 -- see the module's docstring
        failure = f"{type(error).__name__}: {error}"
    state.failed_entries.append(position)
    del state.failed_entries[:-FAILED_ENTRIES_MAX]
    # The node whose line it was still owes its client an answer.
    return Applied(
        position,
        time_ms,
        getattr(command, "session", SessionId(0)),
        getattr(command, "generation", 0),
        getattr(command, "line", 0),
        tuple(step.results),
        request=type(command).__name__ if isinstance(command, Request) else "",
        failure=failure,
    )


def skip(state: State, position: Position, time_ms: int) -> None:
    """Pass an entry that holds no command."""
    state.position = position
    state.time_ms = time_ms
    if not state.created_ms:
        state.created_ms = time_ms


@applies_command(Act)
def act(step: Step, command: Act) -> Applied:
    """Apply the operations of a client's line, unless the line took effect before."""
    state = step.state
    session = state.sessions.get(command.session)
    is_fenced = is_duplicate = False
    if session is None or session.generation != command.generation:
        is_fenced = True
    elif command.line <= session.last_line:
        is_duplicate = True
    else:
        session.last_line = command.line
        step.session = session
        user = state.users[session.user]
        for number, operation in enumerate(command.operations[:OPERATIONS_MAX]):
            step.operation = number
            if type(operation) is Say:
                # What most are; it ends no session.
                talk.say(step, user, operation)
                continue
            operation_appliers[type(operation)](step, user, operation)
            if command.session not in state.sessions:
                # It was ended by QUIT, or by its user's own KILL or ban.
                break
    # The state's numbers, and not equal ones: entries are kept.
    return Applied(
        state.position,
        state.time_ms,
        command.session,
        command.generation,
        command.line,
        tuple(step.results),
        is_duplicate,
        is_fenced,
    )


check_complete()
check_administration()
check_versions()
check_control()
