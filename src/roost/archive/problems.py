"""What PostgreSQL's errors mean for people, and what they can do."""

import asyncpg

_SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.DiskFullError, "the database server's disk is full: make room there"),
    (asyncpg.TooManyConnectionsError, "the server has no connection left: raise max_connections"),
    (asyncpg.InvalidPasswordError, "the server refuses the password: correct history.url"),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "the server refuses this user: see its pg_hba.conf, and history.url",
    ),
    (asyncpg.InvalidCatalogNameError, "the database does not exist: create it with createdb"),
    (
        asyncpg.InsufficientPrivilegeError,
        "the user may not do that: make it the owner of the database",
    ),
    (
        asyncpg.ReadOnlySQLTransactionError,
        "the server is a read-only standby: give history.url the address of the primary",
    ),
    (asyncpg.CannotConnectNowError, "the server is starting or stopping: wait"),
    (asyncpg.AdminShutdownError, "the server is stopping: start it again"),
    (
        asyncpg.LockNotAvailableError,
        "another connection keeps Roost's tables locked: see pg_stat_activity",
    ),
    (
        asyncpg.UndefinedTableError,
        "tables are missing: restore the database from a backup, or use an empty one",
    ),
    (ConnectionRefusedError, "nothing listens there: start the server, or correct history.url"),
    (FileNotFoundError, "nothing listens there: start the server, or correct history.url"),
)


_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


def is_refusal(error: Exception) -> bool:
    """Return whether a server that works has said no to one transaction."""
    return isinstance(error, asyncpg.PostgresError) and not isinstance(error, _LOST)


def describe(error: Exception) -> str:
    """Return what is wrong and what to do, in one line."""
    said = " ".join(str(error).split()) or type(error).__name__
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return f"{sentence} ({said})"
    return f"the connection failed ({said})"
