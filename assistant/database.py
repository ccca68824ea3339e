"""The tables, and how a database of either kind is opened, upgraded and written to.

SQLite runs with a write-ahead log synced at every commit; PostgreSQL as its server is set up.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, exc

from assistant.errors import BadInput, SetupNeeded, StorageError

_BUSY_SECONDS = 10
"""How long a writer waits for another before it gives up."""
_UPGRADE_LOCK = 0x41_49_53_4C_45


class _Time(sa.TypeDecorator[datetime]):
    """A moment: SQLite keeps no time zone, so every time goes in and comes out as UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Time = _Time
metadata = sa.MetaData()

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("conversation_id", sa.String, primary_key=True),
    sa.Column("shopper_key", sa.String, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("started_at", _Time, nullable=False),
    sa.Column("updated_at", _Time, nullable=False),
    sa.Index("conversations_of_shopper", "shopper_key", "updated_at"),
)
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("turn_id", sa.String, primary_key=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey(
            conversations.c.conversation_id, name="turns_conversation", ondelete="CASCADE"
        ),
        nullable=False,
    ),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("rating", sa.Integer, nullable=False),
    sa.Column("at", _Time, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.UniqueConstraint("conversation_id", "position", name="turns_in_order"),
    # The database itself refuses a second running turn, whoever writes it.
    sa.Index(
        "turns_running",
        "conversation_id",
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    ),
)
cart_lines = sa.Table(
    "cart_lines",
    metadata,
    sa.Column("shopper_key", sa.String, primary_key=True),
    sa.Column("product_id", sa.String, primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("added_at", _Time, nullable=False),
)
visits = sa.Table(
    "visits",
    metadata,
    sa.Column("token_hash", sa.String, primary_key=True),
    sa.Column("shopper_key", sa.String, nullable=False),
    sa.Column("started_at", _Time, nullable=False),
    sa.Column("seen_at", _Time, nullable=False),
    sa.Index("visits_of_shopper", "shopper_key"),
    sa.Index("visits_seen", "seen_at"),
)
sign_in_codes = sa.Table(
    "sign_in_codes",
    metadata,
    sa.Column("code_id", sa.String, primary_key=True),
    sa.Column("visit_hash", sa.String, nullable=False),
    sa.Column("address_hash", sa.String, nullable=False),
    sa.Column("customer_id", sa.String),
    sa.Column("salt", sa.String, nullable=False),
    sa.Column("code_hash", sa.String, nullable=False),
    sa.Column("sent_at", _Time, nullable=False),
    sa.Column("expires_at", _Time, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Index("sign_in_codes_of_visit", "visit_hash", "sent_at"),
    sa.Index("sign_in_codes_of_address", "address_hash", "sent_at"),
)
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("change_id", sa.String, primary_key=True),
    sa.Column(
        "turn_id",
        sa.ForeignKey(turns.c.turn_id, name="changes_turn", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    sa.Column("conversation_id", sa.String, nullable=False),
    sa.Column("shopper_key", sa.String, nullable=False),
    sa.Column("customer_id", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("proposed_at", _Time, nullable=False),
    sa.Column("expires_at", _Time, nullable=False),
    sa.Column("settled_at", _Time),
    # "assistant", `staff:ID` or `token:NAME`.
    sa.Column("proposed_by", sa.String, nullable=False, server_default="assistant"),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("changes_of_conversation", "conversation_id"),
)
audit_log = sa.Table(
    "audit_log",
    metadata,
    # A change is logged in the transaction that makes it: the key keeps it from being made twice.
    sa.Column("change_id", sa.String, primary_key=True),
    sa.Column("at", _Time, nullable=False),
    sa.Column("shopper_key", sa.String, nullable=False),
    sa.Column("customer_id", sa.String, nullable=False),
    sa.Column("conversation_id", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("audit_log_of_shopper", "shopper_key", "at"),
)

customer_records = sa.Table(
    "customer_records",
    metadata,
    sa.Column("customer_id", sa.String, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("updated_at", _Time, nullable=False),
)
order_records = sa.Table(
    "order_records",
    metadata,
    sa.Column("customer_id", sa.String, primary_key=True),
    sa.Column("order_id", sa.String, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("updated_at", _Time, nullable=False),
)


class Database:
    """Two ways in: `read` and `write`. Serves any number of threads."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use `Database.open`: it also brings the tables up to date."""
        self.engine = engine
        self._writing = engine.execution_options(begin="BEGIN IMMEDIATE")

    @classmethod
    def open(cls, url: str) -> Self:
        """The database at a SQLAlchemy URL, made or upgraded to this version's tables.

        Raises BadInput for a URL that is neither SQLite's nor PostgreSQL's, SetupNeeded when a
        newer Aisle wrote the database, StorageError when it cannot be reached or written.
        """
        database = cls(_engine(url))
        try:
            with database.write() as connection:
                _upgrade(connection)
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def known(cls, url: str) -> Self:
        """A database that this version made itself: its tables are not looked at."""
        return cls(_engine(url))

    def empty(self) -> None:
        """Delete every row of every table."""
        with self.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.exec_driver_sql(f"DELETE FROM {table.name}")

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for queries; on SQLite it sees one moment and never waits for a writer."""
        with _storage_errors(self.engine.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: all that is done in the block is kept at its end, or nothing is."""
        with _storage_errors(self.engine.url), self._writing.begin() as connection:
            yield connection

    def forget(self) -> None:
        """Empty SQLite's log, which still holds deleted rows. While someone reads, it stays for
        the next checkpoint."""
        if self.engine.dialect.name != "sqlite":
            return
        with _storage_errors(self.engine.url):
            raw = self.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                raw.close()


def _engine(given: str) -> sa.Engine:
    try:
        url = sa.make_url(given)
    except exc.ArgumentError:
        # It may hold a password, so it is not repeated.
        raise BadInput(
            "the database is not given as a URL; "
            "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(url)
    if backend != "postgresql":
        raise BadInput(f"a {backend!r} database cannot be used; use sqlite or postgresql")
    try:
        # hide_parameters: an error's text must not carry what shoppers wrote into a log.
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True
        )
    except ModuleNotFoundError:
        raise SetupNeeded(
            "PostgreSQL needs the package 'psycopg'; run: pip install 'psycopg[binary]'"
        ) from None


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    # isolation_level None hands transactions to the `begin` listener: the driver's own way
    # begins them late and as readers, which then fail when two of them turn into writers.
    connecting: dict[str, Any] = {"timeout": _BUSY_SECONDS, "isolation_level": None}
    if url.database in (None, "", ":memory:"):
        # Each connection would be its own empty database: all threads share one in turn.
        engine = sa.create_engine(
            url,
            poolclass=sa.QueuePool,
            pool_size=1,
            max_overflow=0,
            hide_parameters=True,
            connect_args=connecting | {"check_same_thread": False},
        )
    else:
        _make_file(Path(str(url.database)))
        engine = sa.create_engine(url, hide_parameters=True, connect_args=connecting)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        _use_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _use_log(connection: Any) -> None:
    """Switch to a write-ahead log. Where another process does so too, SQLite fails at once and
    does not wait as it does for a writer: so the waiting is ours."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _make_file(path: Path) -> None:
    """Readable by its owner alone, and so are the log files that SQLite puts beside it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StorageError(
            f"conversations cannot be kept in {str(path)!r}: {error.strerror}; "
            "name a file in a folder that can be written"
        ) from None


def _upgrade(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two servers may start at once; SQLite's write transaction already keeps them apart.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
    config = Config()
    config.set_main_option("script_location", "assistant:migrations")
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    here = MigrationContext.configure(connection).get_current_revision()
    if here == script.get_current_head():
        return
    if here is not None and here not in {each.revision for each in script.walk_revisions()}:
        raise SetupNeeded(
            f"the conversations in {_shown(connection.engine.url)!r} were written by a newer Aisle "
            f"(revision {here!r}); run that version, or name another database"
        )
    command.upgrade(config, "head")


@contextmanager
def _storage_errors(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except (exc.IntegrityError, exc.DataError, exc.ProgrammingError):
        raise  # Ours to repair, not the operator's.
    except (exc.DBAPIError, exc.TimeoutError) as error:
        raise StorageError(_explain(_shown(url), error)) from error


def _explain(where: str, error: exc.SQLAlchemyError) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    said = lines[0] if lines else type(error).__name__
    kept = f"conversations cannot be kept in {where!r}"
    if "full" in said or "No space left" in said:
        return f"{kept}: the disk is full; free some space"
    if "readonly" in said or "read-only" in said:
        return f"{kept}: it is read-only; make the file and its folder writable"
    if "locked" in said:
        return f"{kept}: another process holds it; stop that one, or use PostgreSQL for several"
    return f"{kept}: {said}; check that the database is there and whole"


def _shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=True)
