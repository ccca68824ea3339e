"""What a shopper may send."""

from __future__ import annotations

import unicodedata

from assistant.errors import BadInput

LONGEST = 4_000
"""Characters of one message; more is a document, not a question."""


def readable(text: str) -> str:
    """The message as it will be read; raises BadInput for one that is empty, binary or too long."""
    if any(
        unicodedata.category(each) in ("Cc", "Cs", "Cn") and each not in "\n\r\t" for each in text
    ):
        raise BadInput("the message holds characters that are not text; send plain text")
    cleaned = text.strip()
    if not cleaned:
        raise BadInput("the message is empty; write what you are looking for")
    if len(cleaned) > LONGEST:
        raise BadInput(
            f"the message has {len(cleaned):,} characters; the most is {LONGEST:,}, so shorten it"
        )
    return cleaned
