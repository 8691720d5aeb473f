"""The only function that changes the chat state: one entry, and what it did.

`apply` is deterministic and total. It reads its arguments and nothing else, so equal logs make
equal states; what a client may not do is a refusal, never an exception. Each operation asks
everything it needs to know before it changes anything, and its changes are plain assignments that
cannot fail. Should an entry raise all the same, it does so on every node alike and at the same
point: the operation that raised has done nothing, those before it stay and are shown, those after
it are skipped, and the entry is noted in `failed_entries`. The cluster goes on. Success pays
nothing for that. Only `MemoryError` is let through: it is one node's trouble, which must stop
before it differs from the others.
"""

import msgspec

from roost.chat.accounts import count_login, register_early
from roost.chat.accounts import operate as operate_on_account
from roost.chat.applied import Applied
from roost.chat.commands import (
    OPERATIONS_MAX,
    AcceptRoom,
    Act,
    AddBan,
    AddCertificate,
    AttachSessions,
    BalancerLost,
    BalancerStarted,
    BecomeOperator,
    ChangeNick,
    ClearRoom,
    CloseSession,
    Command,
    Configure,
    CountLogin,
    DropAccount,
    DropRoom,
    EndClients,
    ExpireAbsent,
    GiveStatus,
    GrantHost,
    Invite,
    Join,
    Kick,
    Kill,
    LogIn,
    LogOut,
    MarkRead,
    Monitor,
    OpenSession,
    Operation,
    Part,
    PartAll,
    Quit,
    Redact,
    RegisterAccount,
    RegisterEarly,
    RegisterRoom,
    Rehash,
    RemoveBan,
    RemoveCertificate,
    RenameRoom,
    ResumeSession,
    Say,
    SetAccess,
    SetAlwaysOn,
    SetAway,
    SetCapabilities,
    SetCredentials,
    SetMetadata,
    SetRealname,
    SetRoomModes,
    SetSecret,
    SetServicesHost,
    SetTopic,
    SetUserModes,
    SubscribeMetadata,
    TransferRoom,
    UseHost,
    Wallops,
    decode_command,
)
from roost.chat.hosts import grant_host, use_host
from roost.chat.ids import Position, SessionId, incarnation_of
from roost.chat.metadata import set_metadata, subscribe
from roost.chat.modes import set_room_modes, set_user_modes
from roost.chat.operators import operate as operate_as_operator
from roost.chat.ownership import (
    accept_room,
    clear_room,
    drop_room,
    give_status,
    register_room,
    set_access,
    transfer_room,
)
from roost.chat.read_markers import mark_read
from roost.chat.redaction import redact
from roost.chat.renaming import rename_room
from roost.chat.rooms import invite, join, kick, part, part_all, set_topic
from roost.chat.sessions import (
    attach_sessions,
    balancer_lost,
    balancer_started,
    close_session,
    expire_absent,
    is_refused_before,
    note_opening,
    open_session,
    remember_closed,
    resume_session,
    switch_always_on,
)
from roost.chat.state import Session, State, User
from roost.chat.step import Step
from roost.chat.talk import say
from roost.chat.users import change_nick, monitor, set_away, set_capabilities, set_realname

FAILED_ENTRIES_MAX = 100
"""Remembered positions of skipped entries; one is a bug, a hundred are no better."""


def apply_entry(state: State, data: bytes, position: Position, time_ms: int) -> Applied:
    """Apply an entry's data; never raises, but when there is no memory left."""
    step = Step(state, position, time_ms)
    skip(state, position, time_ms)
    command: Command | None = None
    try:
        command = decode_command(data)
        return _apply(step, command)
    except MemoryError:
        raise
    except msgspec.MsgspecError as error:
        failure = f"not a command: {error}"
    except Exception as error:  # noqa: BLE001 -- see the module's docstring
        failure = f"{type(error).__name__}: {error}"
    state.failed_entries.append(position)
    del state.failed_entries[:-FAILED_ENTRIES_MAX]
    # Whose line it was is told all the same: its node owes the client an answer.
    return Applied(
        position,
        time_ms,
        getattr(command, "session", SessionId(0)),
        getattr(command, "generation", 0),
        getattr(command, "line", 0),
        tuple(step.results),
        request=_request_name(command),
        failure=failure,
    )


def apply(state: State, command: Command, position: Position, time_ms: int) -> Applied:
    """Apply a command as the entry at `position`, made at `time_ms` by the leader's clock."""
    skip(state, position, time_ms)
    return _apply(Step(state, position, time_ms), command)


def skip(state: State, position: Position, time_ms: int) -> None:
    """Go past an entry that holds no command."""
    state.position = position
    state.time_ms = time_ms
    if not state.created_ms:
        state.created_ms = time_ms


def _apply(step: Step, command: Command) -> Applied:
    if isinstance(command, Act):
        return _act(step, command)
    if isinstance(command, OpenSession | ResumeSession):
        return _open(step, command)
    if isinstance(command, CountLogin | RegisterEarly):
        return _ask_for_account(step, command)
    state = step.state
    match command:
        case CloseSession():
            session = state.sessions.get(command.session)
            if session is None:
                remember_closed(state, command.session)
            else:
                close_session(step, session, command.reason)
            return Applied(
                step.position,
                step.time_ms,
                results=tuple(step.results),
                closed=command.session,
            )
        case AttachSessions():
            fenced = attach_sessions(step, command)
            return Applied(step.position, step.time_ms, results=tuple(step.results), fenced=fenced)
        case BalancerStarted():
            balancer_started(step, command)
        case BalancerLost():
            balancer_lost(step, command)
        case Configure():
            _configure(state, command)
        case SetSecret():
            state.secret = state.secret or command.secret
        case SetServicesHost():
            state.services_host = command.host
        case ExpireAbsent():
            expire_absent(step)
    return Applied(step.position, step.time_ms, results=tuple(step.results))


def _ask_for_account(step: Step, command: CountLogin | RegisterEarly) -> Applied:
    """Do what a line asks for before it takes its effect; it may be asked for twice."""
    if isinstance(command, CountLogin):
        count_login(step, command)
    else:
        register_early(step, command)
    return Applied(
        step.position,
        step.time_ms,
        command.session,
        command.generation,
        command.line,
        tuple(step.results),
        request=_request_name(command),
    )


def _request_name(command: Command | None) -> str:
    return type(command).__name__ if isinstance(command, CountLogin | RegisterEarly) else ""


def _configure(state: State, command: Configure) -> None:
    """Take over settings; what a node has said before, and says again, is nothing new."""
    if command.node:
        if state.configured.get(command.node) == command.written:
            return
        state.configured[command.node] = command.written
    state.settings = command.settings


def _open(step: Step, command: OpenSession | ResumeSession) -> Applied:
    state = step.state
    is_fenced = (
        command.session in state.closed_sessions
        or state.balancers.get(command.balancer) != incarnation_of(command.session)
        or is_refused_before(state, command)
    )
    is_duplicate = not is_fenced and command.session in state.sessions
    if not is_duplicate and not is_fenced:
        if isinstance(command, OpenSession):
            open_session(step, command)
        else:
            resume_session(step, command)
        note_opening(state, command)
    return Applied(
        step.position,
        step.time_ms,
        command.session,
        command.generation,
        command.line,
        tuple(step.results),
        is_duplicate,
        is_fenced,
    )


def _act(step: Step, command: Act) -> Applied:
    session = step.state.sessions.get(command.session)
    is_fenced = session is None or session.generation != command.generation
    is_duplicate = not is_fenced and session is not None and command.line <= session.last_line
    if session is not None and not is_fenced and not is_duplicate:
        session.last_line = command.line
        user = step.state.users[session.user]
        for number, operation in enumerate(command.operations[:OPERATIONS_MAX]):
            step.operation = number
            if isinstance(operation, Say):
                say(step, user, operation)
                continue
            _operate(step, session, user, operation)
            if command.session not in step.state.sessions:
                # Gone by QUIT, or an operator's own doing.
                break
    return Applied(
        step.position,
        step.time_ms,
        command.session,
        command.generation,
        command.line,
        tuple(step.results),
        is_duplicate,
        is_fenced,
    )


def _operate(step: Step, session: Session, user: User, operation: Operation) -> None:
    match operation:
        case Join():
            join(step, user, operation)
        case Part():
            part(step, user, operation)
        case PartAll():
            part_all(step, user)
        case SetTopic():
            set_topic(step, user, operation)
        case SetRoomModes():
            set_room_modes(step, user, operation)
        case SetUserModes():
            set_user_modes(step, user, operation)
        case Kick():
            kick(step, user, operation)
        case Invite():
            invite(step, user, operation)
        case ChangeNick():
            change_nick(step, user, operation)
        case SetAway():
            set_away(step, session, user, operation)
        case SetRealname():
            set_realname(step, user, operation)
        case SetCapabilities():
            set_capabilities(step, session, user, operation)
        case Monitor():
            monitor(step, session, user, operation)
        case RegisterRoom() | DropRoom() | SetAccess() | TransferRoom() | AcceptRoom():
            _operate_on_ownership(step, user, operation)
        case GiveStatus():
            give_status(step, user, operation)
        case ClearRoom():
            clear_room(step, user, operation)
        case RenameRoom():
            rename_room(step, user, operation)
        case SetMetadata():
            set_metadata(step, user, operation)
        case SubscribeMetadata():
            subscribe(step, session, user, operation)
        case Redact():
            redact(step, user, operation)
        case MarkRead():
            mark_read(step, user, operation)
        case Quit():
            close_session(step, session, operation.reason)
        case GrantHost():
            grant_host(step, user, operation)
        case UseHost():
            use_host(step, user, operation)
        case SetAlwaysOn():
            switch_always_on(step, user, operation)
        case (
            RegisterAccount()
            | LogIn()
            | LogOut()
            | SetCredentials()
            | DropAccount()
            | AddCertificate()
            | RemoveCertificate()
            | EndClients()
        ):
            operate_on_account(step, session, user, operation)
        case BecomeOperator() | Kill() | AddBan() | RemoveBan() | Wallops() | Rehash():
            operate_as_operator(step, session, user, operation)


def _operate_on_ownership(
    step: Step,
    user: User,
    operation: RegisterRoom | DropRoom | SetAccess | TransferRoom | AcceptRoom,
) -> None:
    match operation:
        case RegisterRoom():
            register_room(step, user, operation)
        case DropRoom():
            drop_room(step, user, operation)
        case SetAccess():
            set_access(step, user, operation)
        case TransferRoom():
            transfer_room(step, user, operation)
        case AcceptRoom():
            accept_room(step, user, operation)
