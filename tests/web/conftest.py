import contextlib
import os
import shutil
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from assistant.web.api import create_app


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


@contextlib.contextmanager
def running(session, *, page=False, port=0):
    """The application on a real socket, the page with it if asked; yields its address."""
    app = create_app(session)
    if page:
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        from assistant.web.shopper import mount_shopper_page

        mount_shopper_page(app, session.info.name)
    listening = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    for _ in range(200):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/healthz").status_code == 200:
                break
        time.sleep(0.05)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture(scope="session")
def chromium():
    """A real browser: Debian's chromium, driven by Playwright."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not installed: `apt-get install chromium` and run this again")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
