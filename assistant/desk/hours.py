"""When people are at the desk, by shop.toml's `support_first_hour` and `support_last_hour`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from assistant.errors import BadInput
from assistant.shop.schema import ShopInfo

_HOUR = re.compile(r"\s*(\d{1,2})(?:[:.](\d\d))?\s*(?:([ap])\.?\s*m\.?)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hours:
    """From `first` up to but not including `last`, as the shop's clock has it; past midnight if
    `last` is the earlier. `words` is how shop.toml says it."""

    first: time
    last: time
    words: tuple[str, str]

    def open_at(self, now: datetime) -> bool:
        at = now.time()
        if self.first <= self.last:
            return self.first <= at < self.last
        return at >= self.first or at < self.last


def support_hours(info: ShopInfo) -> Hours | None:
    """None for a shop that states none; raises BadInput for an hour that is none."""
    given = [str(info.policy.get(f"support_{each}_hour", "")) for each in ("first", "last")]
    if not all(given):
        return None
    return Hours(_hour("first", given[0]), _hour("last", given[1]), (given[0], given[1]))


def _hour(which: str, text: str) -> time:
    match = _HOUR.fullmatch(text)
    if match:
        hour, minute = int(match[1]), int(match[2] or 0)
        half = (match[3] or "").lower()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise BadInput(
        f"shop.toml: policy.support_{which}_hour is {text!r}; write it as '8 a.m.' or '20:00'"
    )
