"""`aisle serve`: the page, the API and what they stand on, in one process."""

from __future__ import annotations

import errno
import os
import socket
import sys

import uvicorn

from assistant.app import build
from assistant.errors import BadInput, StorageError
from assistant.progress import Progress
from assistant.settings import Settings


def serve(settings: Settings, progress: Progress) -> None:
    """Serve until interrupted; raises BadInput where the address cannot be had."""
    # Gradio asks its makers for updates and reports use unless told not to.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    listening = _listen(settings.host, settings.port)
    try:
        from assistant.web.api import create_app
        from assistant.web.shopper import mount_shopper_page
        from assistant.web.staff import mount_staff_page

        built = build(settings, progress)
        try:
            built.session.open()
            app = create_app(built.session, settings.widget_origins.split())
            mount_staff_page(app, built.session.info.name)
            mount_shopper_page(app, built.session.info.name)
            host, port = listening.getsockname()[:2]
            print(f"{built.session.info.name} is open at http://{host}:{port}", file=sys.stderr)
            config = uvicorn.Config(
                app,
                log_config=None,  # its lines go through ours, which keep personal data out
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=3,
            )
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            built.session.close()
    finally:
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before minutes go into loading models."""
    taken: socket.socket | None = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        taken = socket.socket(family)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(128)
    except OSError as error:
        if taken is not None:
            taken.close()
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"port {port} of {host} is in use; stop what runs there or give --port another one"
            ) from None
        if error.errno == errno.EMFILE:
            raise StorageError(f"no socket left to listen with: {error.strerror}") from None
        raise BadInput(
            f"cannot listen on {host!r}, port {port}: {error.strerror or error}"
        ) from None
    return taken
