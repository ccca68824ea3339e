"""What happens at the desk by itself: silent colleagues' conversations go back, notices go out."""

from __future__ import annotations

from assistant.session import Session
from assistant.web.live import Live
from assistant.web.rounds import Rounds

EVERY = 2.0
"""Seconds."""


class Tending:
    def __init__(self, session: Session, live: Live) -> None:
        self._session = session
        self._live = live
        self.rounds = Rounds("tending the desk", EVERY, self._tend)

    def _tend(self) -> None:
        for conversation_id in self._session.desk.sweep():
            self._live.tell_standing(conversation_id)
        self._session.desk.notices.deliver()
