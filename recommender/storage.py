"""A trained model on disk: arrays in npz files, then a json file that makes them valid.

`model.json` names the format's version and the digest of every npz file and is written last: a
folder without it, or where it and the files disagree, holds no model.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ModelMissing

VERSION = 1
_MARK = "model.json"

Arrays = dict[str, NDArray[Any]]


def save(folder: Path, parts: dict[str, Arrays], facts: dict[str, Any]) -> None:
    """Write each part as `<name>.npz`. Whatever was there is no model from the first write on
    until the last; OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fresh = {name: folder / f".{name}.part" for name in parts}
    for name, arrays in parts.items():
        with fresh[name].open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    digests = {name: _digest(path) for name, path in fresh.items()}
    mark = folder / f".{_MARK}.part"
    mark.write_text(json.dumps({"version": VERSION, "digests": digests, **facts}, indent=1))
    (folder / _MARK).unlink(missing_ok=True)
    for name, path in fresh.items():
        path.replace(folder / f"{name}.npz")
    mark.replace(folder / _MARK)


def add(folder: Path, name: str, arrays: Arrays) -> None:
    """Put one more part into the model that is there; raises ModelMissing where there is none."""
    parts, facts = load(folder)
    kept = {key: value for key, value in facts.items() if key not in ("version", "digests")}
    save(folder, parts | {name: arrays}, kept)


def load(folder: Path) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """The parts and the facts of `save`; raises ModelMissing."""
    try:
        facts = json.loads((folder / _MARK).read_text())
        if facts["version"] != VERSION:
            raise _missing(folder, "is of another version of Aisle")
        parts = {}
        for name, digest in facts["digests"].items():
            path = folder / f"{name}.npz"
            if _digest(path) != digest:
                raise _missing(folder, "is damaged")
            with np.load(path, allow_pickle=False) as saved:
                parts[name] = dict(saved)
    except FileNotFoundError:
        raise _missing(folder, "is missing or was not written to its end") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile):
        raise _missing(folder, "cannot be read") from None
    return parts, facts


def _missing(folder: Path, what: str) -> ModelMissing:
    return ModelMissing(f"the recommender in {str(folder)!r} {what}; run `aisle train`")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
