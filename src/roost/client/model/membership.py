"""Handle what the server says about people and rooms.

Sources: modern.ircdocs.horse, "Channel Operations" and its numerics; ircv3.net, "extended-join",
"away-notify", "account-notify", "chghost", "setname", "monitor", "channel-rename".
"""

from roost.client.model import history, partners, sending
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Show
from roost.client.model.events import event_entry
from roost.client.model.incoming import Incoming
from roost.client.model.people import Person
from roost.client.model.state import State
from roost.client.model.text import clean_name, clean_text

WHO_MEMBERS_MAX = 1000
"""The model does not ask who is away in larger rooms; it learns that as it changes."""
WHO_FIELDS = "%tcnuhafr,152"


SERVICES = frozenset({"nickserv", "chanserv", "hostserv", "memoserv", "operserv", "botserv"})
"""They answer although no user of that name is online."""


def _note(state: State, conversation: Conversation, line: Incoming) -> None:
    """Show an event, unless it is shown already."""
    if line.msgid and conversation.find(line.msgid) is not None:
        return
    entry = event_entry(state, line)
    if entry is not None:
        conversation.append(entry)


def _person_of(state: State, line: Incoming) -> Person:
    """Return the sender of a line, updated from its source."""
    person = state.person(line.nick)
    _, bang, rest = line.source.partition("!")
    if bang:
        username, _, host = rest.partition("@")
        person.username, person.host = clean_name(username), clean_name(host)
    return person


def _changed(state: State, person: Person) -> None:
    """Update the rooms and the private conversation that show a person."""
    state.people_revision += 1
    for key in person.rooms:
        conversation = state.conversations.get(key)
        if conversation is not None:
            conversation.members.touch()
            conversation.touch()
    private = state.conversations.get(person.folded)
    if private is not None:
        private.touch()


def _left(state: State, conversation: Conversation, person: Person) -> None:
    """Remove a person from a room; forget them if no conversation is left that shows them."""
    conversation.members.remove(person.folded)
    person.rooms.pop(conversation.key, None)
    conversation.typing.pop(person.nick, None)
    conversation.touch()
    if not person.rooms and not person.is_me and person.folded not in state.conversations:
        state.people.pop(person.folded, None)
        state.people_revision += 1


def receive_join(state: State, line: Incoming) -> None:
    name = line.word(0)
    is_mine = state.is_me(line.nick)
    conversation = state.room(name)
    if conversation is None:
        if not is_mine or not state.offered.is_room(name):
            return
        conversation = state.add_conversation(name, name, ConversationKind.ROOM)
    person = _person_of(state, line)
    if len(line.parameters) >= 3:
        person.account = "" if line.word(1) == "*" else clean_name(line.word(1))
        person.realname = clean_text(line.word(2))
    elif "account" in line.tags:
        person.account = clean_name(line.tags["account"])
    if is_mine:
        _joined(state, conversation, line)
    elif state.fold(line.nick) not in conversation.members:
        _note(state, conversation, line)
    conversation.members.add(person)
    person.rooms[conversation.key] = None
    person.is_online = True
    conversation.touch()


def _joined(state: State, conversation: Conversation, line: Incoming) -> None:
    if "!" in line.source and not state.host:
        _, _, rest = line.source.partition("!")
        state.username, _, state.host = rest.partition("@")
    if conversation.is_joined:
        return
    conversation.is_joined = True
    conversation.is_joining = conversation.is_outside = False
    conversation.problem = ""
    for member in list(conversation.members):
        _left(state, conversation, member.person)
    state.order_revision += 1
    for name in list(state.rooms_wanted):
        if state.fold(name) == conversation.key:
            del state.rooms_wanted[name]
    if conversation.key in state.wants_shown:
        del state.wants_shown[conversation.key]
        state.effects.append(Show(conversation.key))
    history.start(state, conversation)
    _note(state, conversation, line)
    sending.flush(state)


def receive_part(state: State, line: Incoming) -> None:
    conversation = state.room(line.word(0))
    if conversation is None:
        return
    if state.is_me(line.nick):
        _leave(state, conversation)
        sending.fail_waiting(state, conversation.key, "You left the room.")
        if not conversation.pending:
            state.remove_conversation(conversation.key)
        return
    _note(state, conversation, line)
    _left(state, conversation, _person_of(state, line))


def _leave(state: State, conversation: Conversation) -> None:
    conversation.is_joined = False
    conversation.is_joining = False
    conversation.sync = None
    for member in list(conversation.members):
        _left(state, conversation, member.person)
    conversation.typing.clear()
    state.order_revision += 1
    conversation.touch()


def receive_kick(state: State, line: Incoming) -> None:
    conversation = state.room(line.word(0))
    if conversation is None:
        return
    victim = line.word(1)
    _note(state, conversation, line)
    if state.is_me(victim):
        reason = clean_text(line.word(2))
        conversation.problem = f"{clean_name(line.nick)} removed you from the room" + (
            f": {reason}" if reason else "."
        )
        _leave(state, conversation)
        sending.fail_waiting(state, conversation.key, conversation.problem)
        state.toast(f"{conversation.name}: {conversation.problem}", is_error=True)
        return
    person = state.people.get(state.fold(victim))
    if person is not None:
        _left(state, conversation, person)


def receive_quit(state: State, line: Incoming) -> None:
    person = state.people.get(state.fold(line.nick))
    if person is None:
        return
    for key in list(person.rooms):
        conversation = state.conversations.get(key)
        if conversation is not None:
            _note(state, conversation, line)
            _left(state, conversation, person)
    private = state.conversations.get(person.folded)
    if private is not None:
        _note(state, private, line)
    person.is_online = False
    person.away = None
    _changed(state, person)
    _regain(state, line.nick)


def _regain(state: State, nick: str) -> None:
    """Request the wanted nickname once its holder has given it up."""
    wanted = state.fold(state.wanted_nick)
    if state.fold(nick) == wanted and state.fold(state.nick) != wanted:
        state.emit("NICK", state.wanted_nick)


def receive_nick(state: State, line: Incoming) -> None:
    new = line.word(0)
    old = state.fold(line.nick)
    if not new:
        return
    person = state.person(line.nick)
    is_mine = state.is_me(line.nick)
    for key in person.rooms:
        conversation = state.conversations.get(key)
        if conversation is not None:
            _note(state, conversation, line)
    private = state.conversations.get(old)
    if private is not None and private.kind is ConversationKind.PRIVATE:
        _note(state, private, line)
    state.people.pop(old, None)
    person.nick, person.folded = clean_name(new), state.fold(new)
    state.people[person.folded] = person
    for key in person.rooms:
        conversation = state.conversations.get(key)
        if conversation is not None:
            conversation.members.rename(old, person)
            conversation.touch()
    if is_mine:
        state.nick = new
        person.is_me = True
        state.watch_words()
    elif private is not None and private.kind is ConversationKind.PRIVATE:
        partners.renamed(state, private, new)
    _changed(state, person)
    if not is_mine:
        _regain(state, line.nick)


def receive_topic(state: State, line: Incoming) -> None:
    conversation = state.room(line.word(0))
    if conversation is None:
        return
    conversation.topic = clean_text(line.word(1)).replace("\n", " ")
    conversation.topic_by = clean_name(line.nick)
    conversation.touch()
    _note(state, conversation, line)


def receive_topic_reply(state: State, line: Incoming) -> None:
    """Handle RPL_NOTOPIC, RPL_TOPIC and RPL_TOPICWHOTIME (331 to 333)."""
    conversation = state.room(line.word(1))
    if conversation is None:
        return
    if line.command == "333":
        conversation.topic_by = clean_name(line.word(2).partition("!")[0])
    else:
        conversation.topic = clean_text(line.last) if line.command == "332" else ""
    conversation.touch()


def receive_names(state: State, line: Incoming) -> None:
    """Handle RPL_NAMREPLY (353)."""
    conversation = state.room(line.word(2))
    if conversation is None:
        return
    statuses = state.offered.statuses
    for word in line.last.split(" "):
        bare = word.lstrip(statuses)
        if not bare:
            continue
        nick, bang, rest = bare.partition("!")
        person = state.person(nick)
        if bang:
            username, _, host = rest.partition("@")
            person.username, person.host = clean_name(username), clean_name(host)
        conversation.members.add(person, word[: len(word) - len(bare)])
        person.rooms[conversation.key] = None
    conversation.touch()


def receive_names_end(state: State, line: Incoming) -> None:
    """Handle RPL_ENDOFNAMES (366): ask who is away, and for everybody's account."""
    conversation = state.room(line.word(1))
    if conversation is None or not conversation.is_joined:
        return
    if len(conversation.members) <= WHO_MEMBERS_MAX and "WHOX" in state.offered.tokens:
        state.emit("WHO", conversation.target, WHO_FIELDS)


def receive_whox(state: State, line: Incoming) -> None:
    """Handle RPL_WHOSPCRPL (354), the answer to `WHO_FIELDS`."""
    if len(line.parameters) != 9 or line.word(1) != "152":
        return
    _, _, _, username, host, nick, flags, account, realname = line.parameters
    person = state.people.get(state.fold(nick))
    if person is None:
        return
    person.username, person.host = clean_name(username), clean_name(host)
    person.account = "" if account == "0" else clean_name(account)
    person.realname = clean_text(realname)
    away = "" if flags.startswith("G") else None
    if away is None or person.away is None:
        person.away = away
    _changed(state, person)


def receive_mode(state: State, line: Incoming) -> None:
    """Handle MODE of a room, or of the user."""
    conversation = state.room(line.word(0))
    if conversation is None:
        if state.is_me(line.word(0)):
            letters = " ".join(clean_text(word) for word in line.parameters[1:])
            state.inform(state.in_view, f"Your modes were changed: {letters}")
        return
    _apply_modes(state, conversation, line.word(1), list(line.parameters[2:]))
    conversation.touch()
    _note(state, conversation, line)


def _apply_modes(
    state: State, conversation: Conversation, letters: str, parameters: list[str]
) -> None:
    offered = state.offered
    lists, always, when_set = offered.modes_with_parameter
    is_added = True
    for letter in letters:
        if letter in "+-":
            is_added = letter == "+"
            continue
        if letter in offered.status_modes:
            nick = parameters.pop(0) if parameters else ""
            status = offered.statuses[offered.status_modes.index(letter)]
            _change_status(state, conversation, nick, status, is_added=is_added)
            continue
        takes = letter in lists or letter in always or (letter in when_set and is_added)
        if takes and parameters:
            parameters.pop(0)


def _change_status(
    state: State, conversation: Conversation, nick: str, status: str, *, is_added: bool
) -> None:
    folded = state.fold(nick)
    member = conversation.members.get(folded)
    if member is None:
        return
    have = {*member.status, status} if is_added else {*member.status} - {status}
    ordered = "".join(known for known in state.offered.statuses if known in have)
    conversation.members.set_status(folded, ordered)


def receive_away(state: State, line: Incoming) -> None:
    """Handle AWAY (away-notify)."""
    person = state.people.get(state.fold(line.nick))
    if person is not None:
        person.away = clean_text(line.last) if line.last else None
        _changed(state, person)


def receive_away_reply(state: State, line: Incoming) -> None:
    """Handle RPL_AWAY, RPL_UNAWAY and RPL_NOWAWAY (301, 305, 306)."""
    if line.command == "305":
        state.away = None
    elif line.command == "306":
        state.away = state.away or ""
    else:
        person = state.people.get(state.fold(line.word(1)))
        if person is not None:
            person.away = clean_text(line.last)
            _changed(state, person)


def receive_account(state: State, line: Incoming) -> None:
    """Handle ACCOUNT (account-notify)."""
    person = state.people.get(state.fold(line.nick))
    account = "" if line.word(0) == "*" else clean_name(line.word(0))
    if person is not None:
        person.account = account
        _changed(state, person)
    if state.is_me(line.nick):
        state.account = account


def receive_host(state: State, line: Incoming) -> None:
    person = state.people.get(state.fold(line.nick))
    if person is not None:
        person.username, person.host = clean_name(line.word(0)), clean_name(line.word(1))
    if state.is_me(line.nick):
        state.username, state.host = line.word(0), line.word(1)


def receive_realname(state: State, line: Incoming) -> None:
    person = state.people.get(state.fold(line.nick))
    if person is not None:
        person.realname = clean_text(line.word(0))
        _changed(state, person)
    if state.is_me(line.nick):
        state.inform(state.in_view, f"Your real name is now {clean_text(line.word(0))}")


def receive_presence(state: State, line: Incoming) -> None:
    """Handle RPL_MONONLINE and RPL_MONOFFLINE (730, 731)."""
    is_online = line.command == "730"
    for source in line.last.split(","):
        nick = source.partition("!")[0]
        if not is_online and nick.lower() in SERVICES:
            continue
        if not is_online:
            _regain(state, nick)
        person = state.people.get(state.fold(nick))
        if person is not None and person.is_online != is_online:
            person.is_online = is_online
            if not is_online:
                person.away = None
            _changed(state, person)


def receive_rename(state: State, line: Incoming) -> None:
    conversation = state.room(line.word(0))
    if conversation is None or not line.word(1):
        return
    _note(state, conversation, line)
    old = conversation.key
    state.rename_conversation(conversation, line.word(1))
    for member in conversation.members:
        member.person.rooms.pop(old, None)
        member.person.rooms[conversation.key] = None


def receive_invite(state: State, line: Incoming) -> None:
    if state.is_me(line.word(0)):
        who, room = clean_name(line.nick), clean_name(line.word(1))
        state.inform(state.server, f"{who} invites you to {room}: /join {room}")
        state.toast(f"{who} invites you to {room}")
        return
    conversation = state.room(line.word(1))
    if conversation is not None:
        _note(state, conversation, line)
