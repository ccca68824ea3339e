"""The report of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_report(document: Mapping[str, Any], path: Path) -> None:
    raise NotImplementedError
