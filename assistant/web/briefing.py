"""Briefs of conversations that are at the desk, made in the background: one at a time, while no
shopper waits for an answer, and never in the way of a hand-off."""

from __future__ import annotations

from assistant.session import Session
from assistant.web.live import Live, Signal
from assistant.web.rounds import Rounds

EVERY = 1.0
"""Seconds."""


class Briefing:
    """Ending its rounds ends what the model is at as well."""

    def __init__(self, session: Session, live: Live) -> None:
        self._session = session
        self._live = live
        self.rounds = Rounds("briefing", EVERY, self._brief_next)

    def _brief_next(self) -> None:
        if self._live.counts()["running"]:
            return  # the shopper's answer goes first
        waiting = self._session.desk.view.unbriefed()
        if waiting:
            self._session.aid.write_brief(waiting[0], self.rounds.ended)
            self._live.signal(waiting[0], Signal("brief"))
