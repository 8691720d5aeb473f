"""Counts attempts to log in and to register, over all nodes.

An attempt to log in is counted before a password is looked at, by account and by address; one that
succeeds is counted no more. A certificate cannot be guessed and is not counted, so that its owner
gets in while somebody else tries passwords.
"""

from roost.chat.ids import SessionId
from roost.chat.refusals import Reason
from roost.chat.state import AttemptCount, State
from roost.chat.step import Step
from roost.irc.casemapping import fold_nick

COUNTS_MAX = 20_000
"""Addresses and accounts that are counted at a time; the one counted longest ago gives way. With
about 100 bytes each this is 2 MB, and an attacker with more addresses is counted by account."""


_NOBODY = (SessionId(0), 0)


def count(step: Step, key: str, limit: int, line: tuple[SessionId, int] = _NOBODY) -> bool:
    """Count under a key, unless there were too many within the window: that is refused.

    A session's line that comes again, because its node died, is counted again only if somebody
    else has tried meanwhile.
    """
    state = step.state
    window_ms = int(state.settings.attempts_window_s * 1000)
    counted = state.attempts.pop(key, None)
    if counted is None or step.time_ms - counted.since_ms >= window_ms:
        counted = AttemptCount(0, step.time_ms)
    is_same = line != _NOBODY and counted.last == line
    # Taken out and put back, it is the last to give way.
    state.attempts[key] = counted
    if len(state.attempts) > COUNTS_MAX:
        del state.attempts[next(iter(state.attempts))]
    if is_same:
        return True
    if counted.count >= limit:
        wait_s = -(-(counted.since_ms + window_ms - step.time_ms) // 1000)
        step.refused(Reason.TOO_MANY_ATTEMPTS, "", str(wait_s))
        return False
    counted.count += 1
    counted.last = line
    return True


def is_exhausted(state: State, key: str, limit: int, time_ms: int) -> int:
    """Tell for how many seconds nothing more would be counted under a key; 0 when it would be."""
    window_ms = int(state.settings.attempts_window_s * 1000)
    counted = state.attempts.get(key)
    if counted is None or counted.count < limit:
        return 0
    return max(0, -(-(counted.since_ms + window_ms - time_ms) // 1000))


def succeed(state: State, account: str, address: str) -> None:
    """Count an attempt no more, because it succeeded; `address` is an `admission.address_key`."""
    for key in (f"a:{fold_nick(account)}", f"h:{address}"):
        counted = state.attempts.get(key)
        if counted is not None:
            counted.count -= 1
            if counted.count <= 0:
                del state.attempts[key]
