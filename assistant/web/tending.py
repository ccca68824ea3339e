"""What happens at the desk by itself: silent colleagues' conversations go back, notices go out."""

from __future__ import annotations

import logging
import threading

from assistant.errors import AisleError
from assistant.session import Session
from assistant.web.live import Live

EVERY = 2.0
"""Seconds."""

log = logging.getLogger(__name__)


class Tending:
    """A thread from `start` to `stop`."""

    def __init__(self, session: Session, live: Live) -> None:
        self._session = session
        self._live = live
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tending", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            try:
                for conversation_id in self._session.desk.sweep():
                    self._live.tell_standing(conversation_id)
                self._session.desk.notices.deliver()
            except AisleError as error:
                log.error("the desk was not tended: %s", error)
