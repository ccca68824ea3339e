"""The application on a real socket, in a thread of the test's own process."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import uvicorn

from assistant.web.api import create_app


@contextlib.contextmanager
def running(session, *, page=False, port=0, origins=(), certificate=None):
    """The application on a real socket, the page with it if asked; yields its address. By https
    where there is a file with a certificate of `localhost` and its key."""
    app = create_app(session, origins)
    if page:
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        # Gradio makes locks at once and, in a thread without an event loop, leaves one open.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _mount(app, session.info.name)).result()
    listening = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="error",
            timeout_graceful_shutdown=1,
            ws="none",
            ssl_certfile=certificate,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    host = "https://localhost" if certificate else "http://127.0.0.1"
    address = f"{host}:{listening.getsockname()[1]}"
    for _ in range(200):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/healthz", verify=not certificate).status_code == 200:
                break
        time.sleep(0.05)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


async def _mount(app, name):
    from assistant.web.shopper import mount_shopper_page
    from assistant.web.staff import mount_staff_page

    mount_staff_page(app, name)
    mount_shopper_page(app, name)
