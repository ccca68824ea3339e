"""Databases under what is kept in SQL: SQLite always, PostgreSQL where there is one.

PostgreSQL is AISLE_TEST_POSTGRES_URL if set, else a throw-away server from the local binaries.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    given = os.environ.get("AISLE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    pytest.importorskip("psycopg", reason="PostgreSQL is tested with the package 'psycopg'")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    binaries = Path(shutil.which("initdb") or next(reversed(installed), Path()) / "initdb").parent
    if not (binaries / "initdb").exists():
        pytest.skip("no PostgreSQL server here; install one or set AISLE_TEST_POSTGRES_URL")
    # PostgreSQL refuses to run as root; its package brings a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="aisle-pg"))
    if user:
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "aisle", "-A", "trust", "-E", "UTF8", "-N"],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        with log.open("wb") as output:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", folder, "-h", "", "-F"],
                stdout=output,
                stderr=output,
                user=user,
                cwd=folder,
            )
        try:
            url = f"postgresql://aisle@/postgres?host={folder}"
            _wait_until_up(url, log)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # ends what is still connected
            server.wait()
    finally:
        shutil.rmtree(folder)


def _wait_until_up(url: str, log: Path) -> None:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    for _ in range(300):
        try:
            engine.connect().close()
            engine.dispose()
            return
        except sa.exc.OperationalError:
            time.sleep(0.1)
    pytest.fail(f"PostgreSQL did not start: {log.read_text()}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of its own for each test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'conversations.db'}"
        return
    server = sa.make_url(request.getfixturevalue("postgres_url"))
    schema = f"aisle_{secrets.token_hex(8)}"
    engine = sa.create_engine(server.set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    options = {"options": f"-csearch_path={schema}"}
    yield server.update_query_dict(options).render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(sa.schema.DropSchema(schema, cascade=True))
    engine.dispose()
