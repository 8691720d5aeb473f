"""Why a backup cannot be made, read or restored. The texts are for people.

BackupError
 +-- DamagedError   a file is missing, cut short or changed
 +-- ForeignError   it is of another cluster, another history, or a newer version of Roost
"""


class BackupError(Exception):
    """The base of the errors that this package raises."""


class DamagedError(BackupError):
    """A file of a backup is missing, cut short or changed."""


class ForeignError(BackupError):
    """A backup does not belong here, or cannot be read by this version."""
