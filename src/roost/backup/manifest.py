"""What a backup holds, as a JSON file that people can read.

    {"sha256": "<of the bytes of the manifest>", "manifest": {"format": 1, ...}}

Formats are numbered. A version of Roost reads all formats up to its own, and refuses newer ones by
name. New fields go last and have defaults; whatever an older version must not overlook takes a new
format.
"""

import hashlib
from pathlib import Path

import msgspec

from roost.backup.errors import DamagedError, ForeignError
from roost.chat.holes import Hole
from roost.chat.ids import Position

FORMAT = 1


class FileEntry(msgspec.Struct, frozen=True):
    """A file of a backup."""

    name: str
    bytes: int
    sha256: str


class Segment(msgspec.Struct, frozen=True):
    """The history rows of a range of positions, both ends included."""

    first: Position
    last: Position
    rows: int
    file: FileEntry


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup: the state at a position, and the history up to there."""

    format: int = FORMAT
    cluster: str
    node: str
    """The node that was copied."""
    version: str
    """The version of Roost that it ran."""
    made_ms: int
    """When it was made, by the clock of the machine that made it."""
    position: Position
    """The last entry of the log that it holds the effects of."""
    time_ms: int
    """When that was made."""
    terms: tuple[tuple[Position, int], ...]
    """The terms of the log's entries, each with its first position; 0 for an unknown one."""
    first: Position
    """The first position whose history it holds."""
    first_ms: int
    """What it does not hold is not newer than this."""
    holes: tuple[Hole, ...]
    """What no node had any more, between older and newer history."""
    has_archive: bool
    """Whether the cluster's archive has what is older."""
    accounts: int
    rooms: int
    state: FileEntry
    segments: tuple[Segment, ...]

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """All files that it needs."""
        return (self.state, *(segment.file for segment in self.segments))

    @property
    def rows(self) -> int:
        """How many history rows it holds."""
        return sum(segment.rows for segment in self.segments)

    def term_at(self, position: Position) -> int:
        """Return the term of the entry at a position; 0 if it is unknown."""
        return max(
            ((begin, term) for begin, term in self.terms if begin <= position), default=(0, 0)
        )[1]


class _Sealed(msgspec.Struct, frozen=True):
    sha256: str
    manifest: msgspec.Raw


class _Formatted(msgspec.Struct, frozen=True):
    format: int


def name_of(position: Position) -> str:
    """Return the file name of the manifest of a backup."""
    return f"{position:012}.json"


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the content of a manifest's file."""
    body = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    digest = hashlib.sha256(body).hexdigest().encode()
    return b'{"sha256": "' + digest + b'",\n"manifest": ' + body + b"}\n"


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        DamagedError: it cannot be read, or is not what was written.
        ForeignError: it has an unknown format.
    """
    try:
        sealed = msgspec.json.decode(path.read_bytes(), type=_Sealed)
        found = msgspec.json.decode(sealed.manifest, type=_Formatted).format
        check_format(path, found)
        if hashlib.sha256(sealed.manifest).hexdigest() != sealed.sha256:
            raise DamagedError(f"{path} is damaged: it has another checksum than when it was made")
        return msgspec.json.decode(sealed.manifest, type=Manifest)
    except OSError as error:
        raise DamagedError(f"{path} cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise DamagedError(f"{path} is damaged or cut short: {error}") from error


def check_format(path: Path, found: int) -> None:
    """Refuse formats that this version does not know.

    Raises:
        ForeignError: it is one.
    """
    if not 1 <= found <= FORMAT:
        raise ForeignError(
            f"{path} has format {found}, and this version of Roost reads formats up to {FORMAT}: "
            "use the version that made it, or a newer one"
        )
