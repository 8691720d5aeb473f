"""Small files of a node, each replaced as a whole.

run file          where a running node listens, for the program that started it
neighbours.json   where neighbours were last reached, so that the node can start without a balancer
drained           exists while the node is drained, also across restarts
"""

from pathlib import Path

import msgspec
import structlog

from roost.ops.files import replace_file

_logger = structlog.get_logger()

_decoder = msgspec.json.Decoder(dict[str, str])


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a running node tells the program that started it."""

    name: str
    pid: int
    mesh_address: str
    http_address: str


def write_run_file(path: Path, content: RunFile) -> None:
    """Write the run file.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(path, msgspec.json.encode(content) + b"\n")


def load_addresses(path: Path) -> dict[str, str]:
    """Return the saved addresses by name; none if the file is missing or damaged."""
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        _logger.warning("neighbours-forgotten", path=str(path), reason=str(error))
        return {}


def save_addresses(path: Path, addresses: dict[str, str]) -> None:
    """Save addresses; a failure is only logged, since balancers tell them again."""
    try:
        replace_file(path, msgspec.json.encode(addresses) + b"\n")
    except OSError as error:
        _logger.warning("neighbours-not-saved", path=str(path), reason=str(error))


def save_drained(path: Path, is_drained: bool) -> None:
    """Save whether an operator has drained the node; a failure is only logged."""
    try:
        if is_drained:
            replace_file(path, b"Drained by an operator; `roost undrain` removes this file.\n")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        _logger.warning("drain-not-remembered", path=str(path), reason=str(error))
