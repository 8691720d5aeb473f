"""Small files that a node leaves for others and for itself: whole at any moment, or not there.

run file          where a running node listens, for the programs that started it
neighbours.json   where neighbours were last reached, so that a start needs no balancer
drained           an operator has drained the node: a restart does not undrain it
"""

from pathlib import Path

import msgspec
import structlog

from roost.ops.files import replace_file

_logger = structlog.get_logger()

_decoder = msgspec.json.Decoder(dict[str, str])


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a running node tells whoever started it."""

    name: str
    pid: int
    mesh_address: str
    http_address: str


def write_run_file(path: Path, content: RunFile) -> None:
    """Leave the run file.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(path, msgspec.json.encode(content) + b"\n")


def load_addresses(path: Path) -> dict[str, str]:
    """Read remembered addresses by name; none when there is no file, or a damaged one."""
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        _logger.warning("neighbours-forgotten", path=str(path), reason=str(error))
        return {}


def save_addresses(path: Path, addresses: dict[str, str]) -> None:
    """Remember addresses; when that fails it is only logged, for balancers will tell them again."""
    try:
        replace_file(path, msgspec.json.encode(addresses) + b"\n")
    except OSError as error:
        _logger.warning("neighbours-not-saved", path=str(path), reason=str(error))


def save_drained(path: Path, is_drained: bool) -> None:
    """Remember whether an operator has drained the node; when that fails it is only logged."""
    try:
        if is_drained:
            replace_file(path, b"Drained by an operator; `roost undrain` takes this away.\n")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        _logger.warning("drain-not-remembered", path=str(path), reason=str(error))
