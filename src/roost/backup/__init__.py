"""Backups of a cluster: what one holds, how it is written, checked, and turned into nodes again.

    DEST/roost-backups.json    whose backups are here, and in which format
    DEST/lock                  held by the process that writes here
    DEST/<position>.json       a backup: what it holds, with a checksum of each of its files
    DEST/<position>.state      the chat state at that position
    DEST/<from>-<to>.rows      history rows of these positions; later backups name it, too

The file that describes a backup is written last. So a backup that was cut short is none: its files
are removed by the next one. Files never change once they have their names.
"""

from roost.backup.errors import BackupError, DamagedError, ForeignError
from roost.backup.manifest import Manifest
from roost.backup.repository import Draft, Repository, open_repository
from roost.backup.restoring import copy_node, restore_node
from roost.backup.verifying import Checked, check

__all__ = [
    "BackupError",
    "Checked",
    "DamagedError",
    "Draft",
    "ForeignError",
    "Manifest",
    "Repository",
    "check",
    "copy_node",
    "open_repository",
    "restore_node",
]
