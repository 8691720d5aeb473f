"""Counts attempts to log in and to register, over all nodes.

A login attempt is counted before its password is verified, by account and by address. If it
succeeds, it is not counted any more. Certificates cannot be guessed and are not counted, so their
owner gets in while somebody else tries passwords.
"""

from roost.chat.ids import SessionId
from roost.chat.refusals import Reason
from roost.chat.state import AttemptCount, State
from roost.chat.step import Step
from roost.irc.casemapping import fold_nick

COUNTS_MAX = 20_000
"""Addresses and accounts that are counted at a time; the one counted longest ago is dropped. At
about 100 bytes each this is 2 MB. An attacker with more addresses is still counted by account."""

_NOBODY = (SessionId(0), 0)


def count_attempt(step: Step, key: str, limit: int, line: tuple[SessionId, int] = _NOBODY) -> bool:
    """Count an attempt under a key; refuse it and return False if the window holds too many.

    A line that is repeated because its node died counts again only if somebody else has tried
    meanwhile.
    """
    state = step.state
    window_ms = int(state.settings.attempts_window_s * 1000)
    counted = state.attempts.pop(key, None)
    if counted is None or step.time_ms - counted.since_ms >= window_ms:
        counted = AttemptCount(0, step.time_ms)
    is_same = line != _NOBODY and counted.last == line
    # Removed and added again, it becomes the last to be dropped.
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


def seconds_to_wait(state: State, key: str, limit: int, time_ms: int) -> int:
    """Return for how many seconds another attempt under a key would be refused; 0 for none."""
    window_ms = int(state.settings.attempts_window_s * 1000)
    counted = state.attempts.get(key)
    if counted is None or counted.count < limit:
        return 0
    return max(0, -(-(counted.since_ms + window_ms - time_ms) // 1000))


def uncount_attempt(state: State, account: str, address: str) -> None:
    """Take back an attempt that succeeded; `address` is an `admission.address_key`."""
    for key in (f"a:{fold_nick(account)}", f"h:{address}"):
        counted = state.attempts.get(key)
        if counted is not None:
            counted.count -= 1
            if counted.count <= 0:
                del state.attempts[key]
