"""Briefs of conversations that are at the desk, made in the background: one at a time, while no
shopper waits for an answer, and never in the way of a hand-off."""

from __future__ import annotations

import logging
import threading

from assistant.errors import AisleError
from assistant.session import Session
from assistant.web.live import Live, Signal

EVERY = 1.0
"""Seconds."""

log = logging.getLogger(__name__)


class Briefing:
    """A thread from `start` to `stop`."""

    def __init__(self, session: Session, live: Live) -> None:
        self._session = session
        self._live = live
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="briefing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What the model is at ends as well."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            try:
                self._brief_next()
            except AisleError as error:
                log.error("no brief was made: %s", error)

    def _brief_next(self) -> None:
        if self._live.counts()["running"]:
            return  # the shopper's answer goes first
        for conversation_id in self._session.desk.view.unbriefed():
            if self._session.aid.write_brief(conversation_id, self._ended):
                self._live.signal(conversation_id, Signal("brief"))
            return
