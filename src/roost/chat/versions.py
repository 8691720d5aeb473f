"""Versions of the cluster: what its log may hold, so that nodes of two versions work together.

    version 1   what every node understands: the operations and fields in `_FIELDS_OF_1`
    version 2   and later: what says so with `SINCE`, `FIELDS_SINCE` or `SETTINGS_SINCE`

The state holds the cluster's version. A node of the next version speaks like the others until an
entry, `RaiseVersion`, raises it; the leader proposes that once every node that belongs to the
cluster can. From that entry on the log may hold what is new. Nothing ever lowers the version.

Old nodes cannot read a new operation, and ignore a new field. `as_of` makes a command into what
they would take it for, so that nodes of two versions make equal states of equal logs.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar, get_args

import msgspec

from roost.chat.commands import Act, Command, Operation
from roost.chat.commands.administration import (
    Administer,
    Administration,
    FoundCluster,
    RaiseVersion,
)
from roost.chat.commands.cluster import Configure
from roost.chat.commands.payload import Payload
from roost.chat.settings import SETTINGS_SINCE, Settings

VERSION_MIN = 1
"""The oldest version whose nodes these work together with: the one before this."""
VERSION: Final = 2
"""The version that this program speaks."""

PayloadT = TypeVar("PayloadT", bound=Payload)

_FIELDS_OF_1: Mapping[int, int] = {
    1: 5,
    2: 2,
    3: 2,
    4: 0,
    5: 2,
    6: 2,
    7: 2,
    8: 3,
    9: 2,
    10: 1,
    11: 1,
    12: 1,
    13: 1,
    14: 3,
    15: 1,
    16: 2,
    17: 1,
    18: 0,
    19: 2,
    20: 1,
    21: 2,
    22: 2,
    23: 1,
    25: 1,
    28: 1,
    29: 1,
    30: 3,
    31: 2,
    32: 1,
    33: 4,
    34: 2,
    35: 3,
    36: 3,
    37: 2,
    38: 2,
    42: 11,
    46: 1,
    47: 2,
    48: 3,
    49: 1,
    50: 1,
    51: 0,
    53: 2,
    54: 1,
    55: 2,
    56: 4,
    57: 2,
    58: 2,
    59: 1,
    101: 15,
    102: 4,
    103: 1,
    104: 2,
    105: 2,
    106: 3,
    107: 3,
    108: 8,
    109: 1,
    110: 5,
    111: 6,
    115: 0,
    118: 1,
    119: 3,
    120: 2,
    121: 0,
    122: 1,
    141: 6,
    142: 2,
    143: 3,
    144: 1,
    145: 0,
}
"""What version 1 has: tags, and how many fields each has. It is history, and never changes."""
_SETTINGS_OF_1 = 44
"""How many settings version 1 has. This never changes either."""
_RAISING = (FoundCluster, RaiseVersion)
"""What sets the version is understood at any."""


class VersionError(Exception):
    """The cluster's version does not have an operation yet."""

    def __init__(self, kind: type[Payload], version: int) -> None:
        super().__init__(
            f"{kind.__name__} needs version {kind.SINCE} of the cluster, which is at {version}"
        )
        self.kind = kind


def as_of(command: Command, version: int) -> Command:
    """Return what nodes of the cluster's version take a command for: without newer fields.

    Raises:
        VersionError: they cannot read it.
    """
    if version >= VERSION:
        return command
    if isinstance(command, Act):
        operations = tuple(_reduce(operation, version) for operation in command.operations)
        return msgspec.structs.replace(command, operations=operations)
    if isinstance(command, Administer):
        operation = _reduce(command.operation, version)
        return msgspec.structs.replace(command, operation=operation)
    if isinstance(command, Configure):
        return msgspec.structs.replace(command, settings=settings_as_of(command.settings, version))
    return command if isinstance(command, _RAISING) else _reduce(command, version)


def why_too_new(operation: Payload, version: int) -> VersionError | None:
    """Return why an operation or a command cannot be proposed yet; None if it can."""
    kind = type(operation)
    return VersionError(kind, version) if version < kind.SINCE else None


def settings_as_of(settings: Settings, version: int) -> Settings:
    """Return settings of which those that a version does not have are at their defaults."""
    newer = [name for name, since in SETTINGS_SINCE.items() if since > version]
    if not newer:
        return settings
    plain = Settings()
    return msgspec.structs.replace(settings, **{name: getattr(plain, name) for name in newer})


def _reduce(payload: PayloadT, version: int) -> PayloadT:
    kind = type(payload)
    if version < kind.SINCE:
        raise VersionError(kind, version)
    newer = {
        field.name: field.default
        for field in _newer_fields(kind)
        if kind.FIELDS_SINCE[field.name] > version
    }
    return msgspec.structs.replace(payload, **newer) if newer else payload


def _newer_fields(kind: type[Payload]) -> tuple[msgspec.structs.FieldInfo, ...]:
    if not kind.FIELDS_SINCE:
        return ()
    return tuple(field for field in msgspec.structs.fields(kind) if field.name in kind.FIELDS_SINCE)


def check_versions() -> None:
    """Check that all that version 1 does not have says since when there is it."""
    for kind in dict.fromkeys(
        (*get_args(Operation), *get_args(Command), *get_args(Administration))
    ):
        _check(kind)
    known = [name for name in Settings.__struct_fields__ if name not in SETTINGS_SINCE]
    assert len(known) == _SETTINGS_OF_1, "SETTINGS_SINCE must have every new setting"


def _check(kind: type[Any]) -> None:
    name, tag = kind.__name__, kind.__struct_config__.tag
    if tag not in _FIELDS_OF_1:
        assert VERSION_MIN < kind.SINCE <= VERSION, f"{name} must say SINCE which version it exists"
        first = len(kind.__struct_fields__) - len(kind.FIELDS_SINCE)
    else:
        assert kind.SINCE == VERSION_MIN, f"{name} exists since version {VERSION_MIN}"
        first = _FIELDS_OF_1[tag]
    assert len(kind.__struct_fields__) >= first, f"{name} has lost a field"
    names = kind.__struct_fields__[first:]
    assert set(names) == set(kind.FIELDS_SINCE), f"FIELDS_SINCE of {name} must have {names}"
    assert all(field.default is not msgspec.NODEFAULT for field in _newer_fields(kind)), (
        f"new fields of {name} need plain defaults"
    )
