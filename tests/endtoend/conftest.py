"""The grocer, whole: its real year of data, real search, the real 1.5B model."""

import os
import subprocess
import sys

import pytest

from assistant.app import build
from assistant.errors import SetupNeeded, WeightsError
from assistant.settings import read_settings
from tests.web.serving import running


@pytest.fixture(scope="session")
def grocer(tmp_path_factory):
    """The session of the home that `aisle setup` made, over a database of its own."""
    database = tmp_path_factory.mktemp("grocer") / "conversations.db"
    try:
        app = build(read_settings(database=f"sqlite:///{database}"))
    except (SetupNeeded, WeightsError) as missing:
        pytest.skip(f"{missing.message} (`make setup`)")
    app.session.open()
    yield app
    app.session.close()


@pytest.fixture(scope="session")
def grocer_address(grocer):
    with running(grocer.session, page=True) as address:
        yield address


@pytest.fixture
def aisle(grocer, tmp_path):
    """Runs the command in a process of its own and gives what it printed.

    `grocer` comes first: the static prompts are then on disk, and the process starts at once.
    """
    home = grocer.settings.home.resolve()
    database = f"sqlite:///{tmp_path / 'conversations.db'}"

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from assistant.cli import main; main()", *arguments],
            capture_output=True,
            text=True,
            env=os.environ | {"AISLE_HOME": str(home), "AISLE_DATABASE": database},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
