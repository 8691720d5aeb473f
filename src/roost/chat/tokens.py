"""Tokens with which a machine joins the cluster as a node, once.

    IssueToken   --> waiting --RedeemToken--> used by one machine, which may ask again
                        `------ time ------> expired, and forgotten later

The state knows a token's id and what was sealed for its holder, and neither the key nor anything
that it can be guessed from.
"""

from roost.chat.administration import administers
from roost.chat.applied import Applied
from roost.chat.commands.administration import ExpireTokens, IssueToken, RedeemToken
from roost.chat.dispatch import applies_command
from roost.chat.nodes import admit_node, why_not_admitted, withdraw_tokens
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.state import JoinToken, State
from roost.chat.step import Step

TOKENS_MAX = 16
"""Tokens that are remembered: twice as many as a cluster has nodes."""
SEALED_BYTES_MAX = 32 * 1024
"""Three certificates and keys with a configuration have about 4 KB."""
VALID_MS_MAX = 7 * 24 * 3600 * 1000
"""A week: a token that nobody used by then is forgotten by people too."""
REMEMBERED_MS = 24 * 3600 * 1000
"""How long an expired token is remembered, so that its holder is told what is wrong with it."""


def sealed_for(state: State, token: str, claim: str) -> bytes:
    """Return what was sealed for the machine that redeemed a token; empty for any other."""
    found = state.join_tokens.get(token)
    return found.sealed if found is not None and found.claim == claim else b""


def is_any_token_due(state: State, time_ms: int) -> bool:
    """Return whether `ExpireTokens` would change anything at `time_ms`."""
    return any(
        token.expires_ms <= time_ms
        and (token.sealed or token.expires_ms + REMEMBERED_MS <= time_ms)
        for token in state.join_tokens.values()
    )


@administers(IssueToken)
def issue_token(step: Step, operation: IssueToken) -> Outcome:
    state, node = step.state, operation.node
    if not operation.token or operation.token in state.join_tokens:
        return Outcome(Ending.TOKEN_INVALID, node, "its id is in use")
    if len(operation.sealed) > SEALED_BYTES_MAX:
        return Outcome(Ending.TOKEN_INVALID, node, f"it has more than {SEALED_BYTES_MAX} bytes")
    if not 0 < operation.valid_ms <= VALID_MS_MAX:
        return Outcome(Ending.TOKEN_INVALID, node, f"it is valid for {operation.valid_ms} ms")
    if refusal := why_not_admitted(state, node):
        return refusal
    others = [token for token in state.join_tokens.values() if token.node != node]
    if len(others) >= TOKENS_MAX:
        return Outcome(Ending.TOO_MANY_TOKENS, node, str(TOKENS_MAX))
    withdraw_tokens(state, node)
    expires_ms = step.time_ms + operation.valid_ms
    state.join_tokens[operation.token] = JoinToken(
        node, operation.host, expires_ms, operation.sealed, key=operation.key
    )
    return DONE


@administers(RedeemToken)
def redeem_token(step: Step, operation: RedeemToken) -> Outcome:
    """Give a token to the first machine that claims it, and let its node belong to the cluster."""
    token = step.state.join_tokens.get(operation.token)
    if token is None or not operation.claim:
        return Outcome(Ending.TOKEN_UNKNOWN)
    if token.claim and token.claim != operation.claim:
        return Outcome(Ending.TOKEN_USED, token.node, str(token.redeemed_ms))
    if step.time_ms >= token.expires_ms or not token.sealed:
        return Outcome(Ending.TOKEN_EXPIRED, token.node, str(token.expires_ms))
    if token.claim:
        return DONE
    if refusal := why_not_admitted(step.state, token.node):
        return refusal
    token.claim, token.redeemed_ms = operation.claim, step.time_ms
    admit_node(step, token.node, token.host, token.key)
    return DONE


@applies_command(ExpireTokens)
def expire_tokens(step: Step, _command: ExpireTokens) -> Applied:
    """Drop what expired tokens were issued for, and later the tokens themselves."""
    tokens = step.state.join_tokens
    for number, token in list(tokens.items()):
        if token.expires_ms + REMEMBERED_MS <= step.time_ms:
            del tokens[number]
        elif token.expires_ms <= step.time_ms:
            token.sealed = b""
    return step.applied()
