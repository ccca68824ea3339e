"""The shop's own "now": the real one, or a fixed one for a shop whose data has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Clock:
    timezone: ZoneInfo
    fixed: datetime | None = None

    def now(self) -> datetime:
        """The time in the shop's time zone, always aware of it."""
        return (self.fixed or datetime.now(self.timezone)).astimezone(self.timezone)
