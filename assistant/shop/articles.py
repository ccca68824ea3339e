"""Help articles: Markdown with the shop's own numbers filled in, cut into sentences to quote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import BadInput
from assistant.shop.schema import ShopInfo

_PLACE = re.compile(r"\{\{\s*policy\.([\w.-]+)\s*\}\}")
_MARKUP = re.compile(r"^\s*(?:[-*+>]|\d+\.)\s+|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_END = re.compile(r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\ba\.m\.)(?<!\bp\.m\.)\s+(?=[A-Z“\"(])")


@dataclass(frozen=True, slots=True)
class Article:
    article_id: str
    title: str
    sentences: tuple[str, ...]


def read_articles(folder: Path, info: ShopInfo) -> list[Article]:
    """The articles of a help folder by file name; raises BadInput naming the file."""
    return [read_article(path, info) for path in sorted(folder.glob("*.md"))]


def read_article(path: Path, info: ShopInfo) -> Article:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(path)!r} cannot be read as UTF-8 text: {error}") from None

    def fill(match: re.Match[str]) -> str:
        if match[1] not in info.policy:
            raise BadInput(f"{str(path)!r} asks for policy.{match[1]}, which shop.toml lacks")
        return str(info.policy[match[1]])

    title = ""
    paragraphs: list[list[str]] = [[]]
    for line in _PLACE.sub(fill, text).splitlines():
        if line.startswith("#"):
            title = title or line.strip("# ")
            paragraphs.append([])
        elif not line.strip():
            paragraphs.append([])
        else:
            if re.match(r"\s*(?:[-*+>]|\d+\.)\s", line):
                paragraphs.append([])
            paragraphs[-1].append(_MARKUP.sub("", line.strip()))
    if not title:
        raise BadInput(f"{str(path)!r} has no heading; its first heading is its title")
    sentences = [each for lines in paragraphs for each in _END.split(" ".join(lines)) if each]
    if not sentences:
        raise BadInput(f"{str(path)!r} holds no sentence under its heading")
    return Article(path.stem, title, tuple(sentences))
