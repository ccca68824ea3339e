"""Work that is done again and again beside the server's answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from assistant.errors import AisleError

log = logging.getLogger(__name__)


class Rounds:
    """Calls `work` every so many seconds in a thread, from `start` to `stop`. What fails is logged,
    and the next round comes. `ended` tells a long round that it is over.
    """

    def __init__(self, name: str, every: float, work: Callable[[], None]) -> None:
        self.ended = threading.Event()
        self._name = name
        self._every = every
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.ended.wait(self._every):
            try:
                self._work()
            except AisleError as error:
                log.error("a round of %s failed: %s", self._name, error)
