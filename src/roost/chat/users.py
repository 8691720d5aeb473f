"""What users change about themselves: names, away messages, capabilities, MONITOR lists."""

from roost.chat.changes import (
    AwayChanged,
    CapabilitiesChanged,
    MonitorChanged,
    NickChanged,
    RealnameChanged,
    WentOffline,
    WentOnline,
)
from roost.chat.commands.users import ChangeNick, Monitor, SetAway, SetCapabilities, SetRealname
from roost.chat.dispatch import applies
from roost.chat.identities import note_nick
from roost.chat.ids import FoldedNick
from roost.chat.metadata import forget_subscriptions, show_to_watchers
from roost.chat.presence import UNATTENDED, change_away, update_auto_away
from roost.chat.refusals import Reason
from roost.chat.reservations import is_reserved
from roost.chat.state import NOTHING, State, User, Whowas
from roost.chat.step import INVISIBLE_MODE, Step, cut, rooms_of, source_of
from roost.irc.capabilities import METADATA_ANY, Capability
from roost.irc.casemapping import fold_nick
from roost.irc.names import is_valid_nick


@applies(ChangeNick)
def change_nick(step: Step, user: User, operation: ChangeNick) -> None:
    """Change a nickname; the log's order decides who gets it."""
    state = step.state
    if not is_valid_nick(operation.nick, state.settings.nick_bytes_max):
        step.refused(Reason.NICK_INVALID, operation.nick)
        return
    old = FoldedNick(fold_nick(user.nick))
    new = FoldedNick(fold_nick(operation.nick))
    if state.nicks.get(new, user.id) != user.id:
        step.refused(Reason.NICK_IN_USE, operation.nick)
        return
    if operation.nick == user.nick:
        return
    if new != old and is_reserved(state, operation.nick, user.account):
        step.refused(Reason.NICK_RESERVED, operation.nick)
        return
    take_nick(step, user, operation.nick)


def take_nick(step: Step, user: User, nick: str) -> None:
    """Change a nickname to one that is free, or that differs in its case."""
    state = step.state
    old, new = FoldedNick(fold_nick(user.nick)), FoldedNick(fold_nick(nick))
    before = source_of(user)
    if new != old:
        remember(step, user)
        del state.nicks[old]
        state.nicks[new] = user.id
    user.nick = nick
    if new != old:
        note_nick(state, user, old)
    step.changed(NickChanged(step.part, before, nick, rooms_of(state, user)))
    if new != old:
        step.changed(WentOffline(step.part, before, old))
        step.changed(WentOnline(step.part, source_of(user), new))
        show_to_watchers(step, user)


def remember(step: Step, user: User) -> None:
    """Record for WHOWAS who used the nickname; the oldest entries are dropped."""
    state = step.state
    folded = FoldedNick(fold_nick(user.nick))
    entries = state.whowas.pop(folded, [])
    entries.append(
        Whowas(
            user.nick,
            user.username,
            user.host,
            user.realname,
            user.account,
            step.time_ms,
            is_visible=INVISIBLE_MODE not in user.modes,
        )
    )
    # Removed and added again, the nickname becomes the last to be dropped.
    state.whowas[folded] = entries
    state.whowas_count += 1
    if len(entries) > state.settings.whowas_per_nick_max:
        del entries[0]
        state.whowas_count -= 1
    while state.whowas_count > state.settings.whowas_entries_max:
        _forget_oldest(state)


def _forget_oldest(state: State) -> None:
    folded = next(iter(state.whowas))
    entries = state.whowas[folded]
    del entries[0]
    state.whowas_count -= 1
    if not entries:
        del state.whowas[folded]


@applies(SetAway)
def set_away(step: Step, user: User, operation: SetAway) -> None:
    """Set or clear an away message.

    If nothing changes, only the asker is told: the change has no `rooms`.
    """
    message = cut(operation.message, step.state.settings.away_bytes_max)
    session = step.session
    session.is_unattended = message == UNATTENDED and bool(
        session.capabilities & Capability.PRE_AWAY
    )
    if session.is_unattended:
        if not update_auto_away(step, user):
            source = source_of(user)
            step.changed(AwayChanged(step.part, source, message, (), is_news=False))
        return
    change_away(step, user, message)


@applies(SetRealname)
def set_realname(step: Step, user: User, operation: SetRealname) -> None:
    """Change the real name (ircv3.net/specs/extensions/setname); an equal one as in `set_away`."""
    realname = operation.realname
    if not realname or len(realname.encode()) > step.state.settings.realname_bytes_max:
        step.refused(Reason.REALNAME_INVALID, realname)
        return
    is_news = realname != user.realname
    rooms = rooms_of(step.state, user) if is_news else ()
    user.realname = realname
    step.changed(RealnameChanged(step.part, source_of(user), realname, rooms, is_news))


@applies(SetCapabilities)
def set_capabilities(step: Step, user: User, operation: SetCapabilities) -> None:
    session = step.session
    before, session.capabilities = session.capabilities, operation.capabilities
    step.changed(
        CapabilitiesChanged(step.part, source_of(user), session.id, before, operation.capabilities)
    )
    if not operation.capabilities & METADATA_ANY:
        # "If a client removes this capability from themselves, servers MUST clear that client's
        # subscription list."
        forget_subscriptions(step, user)


@applies(Monitor)
def monitor(step: Step, user: User, operation: Monitor) -> None:
    """Change the session's MONITOR list (ircv3.net/specs/extensions/monitor)."""
    former = tuple(step.session.monitored)
    monitored = {} if operation.is_cleared else dict(step.session.monitored)
    for nick in operation.removed:
        monitored.pop(FoldedNick(fold_nick(nick)), None)
    added: list[str] = []
    excess: list[str] = []
    for nick in operation.added:
        folded = FoldedNick(fold_nick(nick))
        if folded in monitored:
            added.append(nick)
        elif len(monitored) < step.state.settings.monitor_max:
            monitored[folded] = nick
            added.append(nick)
        else:
            excess.append(nick)
    step.session.monitored = monitored or NOTHING
    step.changed(
        MonitorChanged(
            step.part,
            source_of(user),
            step.session.id,
            operation.is_cleared,
            tuple(added),
            operation.removed,
            former,
        )
    )
    if excess:
        step.refused(Reason.MONITOR_FULL, detail=",".join(excess))
