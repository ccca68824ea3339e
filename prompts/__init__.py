"""The prompts, as Markdown templates; a shop overrides any of them by a file of the same name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def read_prompt(name: str, override: Path | None = None) -> str:
    """The text of `name` (`decide.md`), from the folder `override` if it has one.

    Lines that begin with `<!--` and end with `-->` are for people and are left out.
    """
    own = override / name if override else None
    if own and own.is_file():
        text = own.read_text(encoding="utf-8")
    else:
        text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = [
        line
        for line in text.splitlines()
        if not (line.startswith("<!--") and line.rstrip().endswith("-->"))
    ]
    return "\n".join(lines).strip()
