"""What a run was made of, so that two runs can be compared and a figure can be made again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from assistant.agent import Agent
from assistant.errors import BadInput, StorageError

PACKAGES = ("assistant", "prompts", "recommender", "retrieval")


def provenance(agent: Agent, shop_hash: str, data: Path, **options: object) -> dict[str, Any]:
    """Model, prompts, code, data and machine of a run that begins now; `options` as they are."""
    return {
        "model": agent.model.name,
        "model_checksum": agent.model.checksum,
        "wording": agent.model.wording,
        "prompts_hash": _sha([agent.prompt, agent.writer.prompt]),
        "code_version": metadata.version("aisle"),
        "code_hash": code_hash(),
        "shop_hash": shop_hash,
        "data": data.name,
        "data_hash": hashlib.sha256(data.read_bytes()).hexdigest(),
        **options,
        "machine": machine(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def code_hash() -> str:
    """Over every Python source file of Aisle's packages, names and contents."""
    root = Path(__file__).resolve().parents[2]
    files = (file for name in PACKAGES for file in (root / name).rglob("*.py"))
    return _sha(
        f"{file.relative_to(root)}:{hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in sorted(files)
    )


def machine() -> dict[str, Any]:
    return {
        "system": platform.platform(terse=True),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def write_run(document: Mapping[str, Any], path: Path) -> None:
    """Raises StorageError where it cannot be written."""
    write_text(json.dumps(document, ensure_ascii=False), path)


def write_text(text: str, path: Path) -> None:
    """The whole file or none of it; raises StorageError where it cannot be written."""
    fresh = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror}") from None


def read_run(path: Path) -> dict[str, Any]:
    """A document that `aisle evaluate transcripts --out` wrote; raises BadInput for any other."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"run {str(path)!r} cannot be read: {error}") from None
    missing = {"run", "metrics", "turn_results"} - set(
        document if isinstance(document, dict) else ()
    )
    if missing:
        raise BadInput(
            f"run {str(path)!r} lacks {sorted(missing)[0]!r}; "
            "write one with `aisle evaluate transcripts FILE --out RUN.json`"
        )
    return dict(document)


def _sha(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
