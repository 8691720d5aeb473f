"""`roost join TOKEN`: makes this machine a node of the cluster that the token is of.

    token --> mutual TLS with a balancer --> the log gives the files to this machine alone
          --> DIR/config.toml, ca.pem, node-NAME.pem, node-NAME-key.pem --> `roost node`

A machine that is interrupted goes on: it keeps what it drew at random (its *claim*), and the log
gives the files to the same claim again. One that has joined is only started.
"""

import asyncio
import os
import secrets
import shutil
import sys
from pathlib import Path

from roost.cli.administer import settle
from roost.cli.cluster import CONFIG_FILE, why
from roost.cli.configuration import load_file
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import JoinFlags
from roost.ops import clock
from roost.ops.files import create_file
from roost.protocol.orders import PROTOCOL_VERSION, RedeemOrder, encode
from roost.wire.errors import CredentialsError
from roost.wire.joining import (
    Token,
    TokenError,
    decode_token,
    hash_claim,
    unseal,
    write_credentials,
    write_files,
)

CLAIM_BYTES = 32
JOINING = "joining"
"""The directory of what is needed only until the machine has joined."""
FROM_INPUT = "-"


def join(text: str, flags: JoinFlags) -> None:
    """Join, and become the node's process unless that is not wanted.

    Raises:
        UsageError: the token or the directory cannot be used.
        CommandError: the cluster refuses, or cannot be reached.
    """
    try:
        token = decode_token(sys.stdin.read() if text == FROM_INPUT else text)
        folder = (flags.data or Path(token.node)).absolute()
        if not has_joined(token, folder):
            _take_files(token, folder)
            print(f"This machine joined {token.identity.cluster} as {token.node}.", flush=True)
    except TokenError as error:
        raise UsageError(str(error)) from error
    except CredentialsError as error:
        raise UsageError(str(error)) from error
    config = folder / CONFIG_FILE
    print(f"To start it again: roost node --config {config}", flush=True)
    if flags.start:
        # The token is not to stay in the list of processes.
        command = [sys.executable, "-m", "roost.cli", "node", "--config", str(config)]
        os.execv(sys.executable, [*command, "--log-level", flags.log_level])  # noqa: S606


def has_joined(token: Token, folder: Path) -> bool:
    """Return whether the token's node has its files in this directory.

    Raises:
        UsageError: there is something else in it.
    """
    config = folder / CONFIG_FILE
    if config.exists():
        values = load_file(config)
        if (values.get("cluster"), values.get("name")) == (token.identity.cluster, token.node):
            return True
        raise UsageError(
            f"{folder} has the files of {values.get('name', 'another process')}, not of "
            f"{token.node}: give another directory with --data"
        )
    others = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if any(
        name != JOINING and not name.startswith("node-") and name != "ca.pem" for name in others
    ):
        raise UsageError(f"{folder} is not empty: give another directory with --data")
    return False


def _take_files(token: Token, folder: Path) -> None:
    """Have the cluster give this machine its files, and write them."""
    joining = folder / JOINING
    try:
        joining.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_file(joining / "claim", secrets.token_bytes(CLAIM_BYTES))
        claim = (joining / "claim").read_bytes()
        credentials = write_credentials(token, joining)
        request = secrets.token_hex(8)
        order = encode(RedeemOrder(PROTOCOL_VERSION, request, hash_claim(claim)))

        def say(problem: str) -> None:
            print(f"Waiting for {token.identity.cluster}: {problem}", file=sys.stderr, flush=True)

        sealed = asyncio.run(
            settle(token.identity.cluster, token.addresses, credentials, order, say=say)
        )
        write_files(unseal(token, sealed), folder, last=CONFIG_FILE)
        shutil.rmtree(joining, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {why(error)}") from error
    except CommandError as error:
        raise _explained(token, error) from error


def _explained(token: Token, error: CommandError) -> CommandError:
    """Return the error, with a hint if the token has probably expired."""
    if clock.utc_now().timestamp() < token.expires_s:
        return error
    return type(error)(f"{error}. By this machine's clock the token has expired")
