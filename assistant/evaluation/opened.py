"""What a run needs open: the app, a stage with the model calls that are known, the checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from assistant.app import App, build, open_session
from assistant.evaluation.checks import Checks
from assistant.evaluation.measured import Calls
from assistant.evaluation.stage import Stage
from assistant.evaluation.truth import Truth
from assistant.progress import Progress
from assistant.settings import Settings
from prompts import read_prompt


@contextmanager
def opened(
    settings: Settings,
    progress: Progress,
    known_calls: Path,
    *,
    decisions_only: bool = False,
    fresh: bool = False,
) -> Iterator[tuple[App, Stage]]:
    """The app and a stage over it, closed at the end; errors as `build` has them."""
    app = build(settings, progress)
    try:
        calls = Calls(known_calls)
        try:
            stage = Stage(
                app.shop,
                app.agent,
                partial(open_session, app.settings, app.shop),
                calls,
                decisions_only=decisions_only,
                fresh=fresh,
            )
            try:
                yield app, stage
            finally:
                stage.close()
        finally:
            calls.close()
    finally:
        app.session.close()


def checks_of(app: App) -> Checks:
    folder = app.settings.home / "prompts"
    # Examples are left out: what they say is meant to be said.
    prompts = [read_prompt(name, folder) for name in ("decide.md", "reply.md")]
    return Checks(Truth(app.shop.catalogue), app.agent.tools, prompts)


def calls_of(settings: Settings) -> Path:
    return settings.home / "evaluation" / "calls.db"
