import contextlib

import pytest

from tests.web.serving import running


@pytest.fixture
def serve(open_session):
    """Serves a session with these decisions on a free port; yields its address."""
    stack = contextlib.ExitStack()

    def serve_(*decisions, page=False, port=0, **options):
        session, model = open_session(*decisions, **options)
        server = stack.enter_context(running(session, page=page, port=port))
        return server, session, model

    with stack:
        yield serve_
