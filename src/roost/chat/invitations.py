"""Who may register an account, and invitation codes.

    registration = "open"        everybody
                   "closed"      nobody; operators and administrators add accounts
                   "invitation"  whoever has a code that an operator or an administrator made
                   "email"       whoever answers from an e-mail address (`chat.verification`)

Of a code the state has only the hash. Codes are long random texts, so that guessing is hopeless,
and a plain hash is enough.
"""

import hashlib

from msgspec.structs import replace

from roost.chat.commands.control import CreateInvitation, RevokeInvitation, SetAdmission
from roost.chat.control import Asker, controls
from roost.chat.operators import DURATION_S_MAX
from roost.chat.refusals import Reason, Refusal
from roost.chat.settings import REGISTRATIONS
from roost.chat.state import Invitation, State
from roost.chat.step import Step, cut

USES_MAX = 100_000
NOTE_BYTES_MAX = 100
ID_CHARACTERS = 8
"""How much of a code's hash names it where it is listed; that opens nothing."""


def hash_code(code: str) -> str:
    """Return the hash of a code as people type it: in any case, with or without dashes."""
    return hashlib.sha256(code.lower().replace("-", "").encode()).hexdigest()


def why_not_register(state: State, time_ms: int, invitation: str) -> Refusal | None:
    """Return why somebody cannot register; `invitation` is the hash of their code, or empty."""
    way = state.settings.registration
    if way == "closed":
        return Refusal(Reason.REGISTRATION_CLOSED)
    if way == "invitation":
        known = state.invitations.get(invitation)
        if known is None or is_over(known, time_ms):
            return Refusal(Reason.INVITATION_INVALID)
    if way == "email":
        # Only `chat.verification` makes accounts then.
        return Refusal(Reason.EMAIL_REQUIRED)
    return None


def use_invitation(state: State, invitation: str) -> None:
    """Count that a code was used; it is forgotten with its last use."""
    known = state.invitations.get(invitation)
    if known is not None and state.settings.registration == "invitation":
        known.uses -= 1
        if not known.uses:
            del state.invitations[invitation]


def is_over(invitation: Invitation, time_ms: int) -> bool:
    return 0 < invitation.expires_ms <= time_ms


@controls(SetAdmission)
def set_admission(step: Step, operation: SetAdmission, asker: Asker) -> None:
    """Change two of the settings at once, without a restart of the nodes."""
    settings, done = step.state.settings, []
    if operation.registration:
        way = next((one for one in REGISTRATIONS if one == operation.registration), None)
        if way is None:
            step.refused(Reason.REGISTRATION_UNKNOWN, operation.registration)
            return
        settings = replace(settings, registration=way)
        done.append(f"set registration to {way}")
    if operation.login_required is not None:
        settings = replace(settings, login_required=operation.login_required)
        word = "required" if operation.login_required else "not required"
        done.append(f"set logins to {word}")
    step.state.settings = settings
    asker.did(" and ".join(done) or "changed nothing about registration")


@controls(CreateInvitation)
def create_invitation(step: Step, operation: CreateInvitation, asker: Asker) -> None:
    state = step.state
    for code, known in list(state.invitations.items()):
        if is_over(known, step.time_ms):
            del state.invitations[code]
    limit = state.settings.invitations_max
    if len(state.invitations) >= limit and operation.code not in state.invitations:
        step.refused(Reason.TOO_MANY_INVITATIONS, "", str(limit))
        return
    uses = min(max(operation.uses, 1), USES_MAX)
    duration_s = min(max(operation.duration_s, 0), DURATION_S_MAX)
    expires_ms = step.time_ms + duration_s * 1000 if duration_s else 0
    note = cut(operation.note, NOTE_BYTES_MAX)
    state.invitations[operation.code] = Invitation(uses, expires_ms, asker.name, step.time_ms, note)
    number = operation.code[:ID_CHARACTERS]
    asker.tell("invited", number)
    span = f"for {duration_s} s" if duration_s else "for good"
    asker.did(
        f"made the invitation {number} for {uses} accounts {span}{': ' if note else ''}{note}"
    )


@controls(RevokeInvitation)
def revoke_invitation(step: Step, operation: RevokeInvitation, asker: Asker) -> None:
    """Forget the code with an id, or with the beginning of its hash."""
    state, number = step.state, operation.number.lower()
    found = [code for code in state.invitations if code.startswith(number)]
    if len(number) < ID_CHARACTERS or len(found) != 1:
        step.refused(Reason.NO_SUCH_INVITATION, operation.number)
        return
    del state.invitations[found[0]]
    asker.did(f"revoked the invitation {found[0][:ID_CHARACTERS]}")
