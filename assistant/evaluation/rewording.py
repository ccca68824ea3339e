"""The same wish in slightly other words, as the same shopper might write it another day.

Numbers, prices, tags and order numbers stay as they are, and so does the language: what is wanted
must not change. tau-bench gets its trials' differences from a sampled user; here a seed draws them.
"""

from __future__ import annotations

import random
import re

_OPENINGS = ("hi, ", "hello! ", "hey, ", "please, ", "quick question: ", "ok so ")
_CLOSINGS = (" please", " thanks", ", thank you", " :)", "!")
_ZH_OPENINGS = ("你好，", "您好，", "请问，", "麻烦一下，")
_ZH_CLOSINGS = ("，谢谢", "，谢谢您", "～")
_HAN = re.compile(r"[\u3400-\u9fff]")
_PLAIN_WORD = re.compile(r"(?<![\w#-])[a-z]{6,}(?![\w-])")


def reworded(text: str, seed: str) -> str:
    """`text` with a greeting, a thank-you, lower case or one slip of the keyboard, by seed."""
    rng = random.Random(seed)
    if _HAN.search(text):
        return _around(text, rng, _ZH_OPENINGS, _ZH_CLOSINGS)
    changed = text
    if rng.random() < 0.5:
        changed = _slipped(changed, rng)
    if rng.random() < 0.3 and not re.search(r"\d", changed):
        changed = changed.lower()
    if rng.random() < 0.7:
        changed = _around(changed, rng, _OPENINGS, _CLOSINGS)
    return changed if changed != text else f"{rng.choice(_OPENINGS)}{text}"


def _around(
    text: str, rng: random.Random, openings: tuple[str, ...], closings: tuple[str, ...]
) -> str:
    if rng.random() < 0.5:
        return f"{rng.choice(openings)}{text}"
    return f"{text.rstrip()}{rng.choice(closings)}"


def _slipped(text: str, rng: random.Random) -> str:
    """Two neighbouring letters inside one long word change places."""
    words = list(_PLAIN_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    place = word.start() + rng.randrange(1, len(word[0]) - 2)
    return f"{text[:place]}{text[place + 1]}{text[place]}{text[place + 2 :]}"
