"""Progress of long work: a label, how much is done, how much there is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

Progress = Callable[[str, int, int], None]


def silent(_label: str, _done: int, _total: int) -> None:
    """For callers that have nobody to show it to."""


class Bars:
    """One bar on standard error for each label, closed when its work is done."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

    def __call__(self, label: str, done: int, total: int) -> None:
        bar = self._bars.get(label)
        if bar is None:
            bar = self._bars[label] = tqdm(
                total=max(total, 1),
                desc=f"{label:<34}",
                file=sys.stderr,
                leave=True,
                mininterval=0.2,
                unit_scale=True,
                bar_format="{desc} {bar:24} {percentage:3.0f}% {elapsed}<{remaining}",
            )
        bar.total = max(total, 1)
        bar.n = min(done, bar.total)
        bar.refresh()
        if done >= total:
            bar.close()
            del self._bars[label]
