"""A conversation in short, for the colleague who takes it over: worded by the model, and shown only
as far as the conversation bears it out.

Each part is checked by itself and dropped if it fails. Of what the shopper wants, every word must
have been said in the conversation, or state nothing; so must every number, price and order number;
and it may deny only where the shopper denied something. The open question and the words that show a
mood must be quotes of the shopper. A check of words does not see who did what to whom: the record
stands beside it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.errors import ModelError
from assistant.grounding import Vocabulary, asks_for_a_person, language_of
from assistant.llm.base import LanguageModel, Message, valid_decision
from assistant.offers import UPSET
from assistant.record import decode, encode
from assistant.types import Language, Turn

RECALLED = 8
"""Messages that it is made of."""
LETTERS = 300
"""How much is read of each."""
_LONGEST = 160
_ASKING = 60
"""A message that asks for a person in no more characters says nothing else."""
_FEELINGS = {
    "upset": re.compile(rf"{UPSET.pattern}|\b(?:annoy|disappoint|mad\b|bad\b|again)|[!！]", re.I),
    "worried": re.compile(
        r"\b(?:worr|afraid|anxious|nervous|concern|fear|urgent)|担心|害怕|着急", re.I
    ),
    "pleased": re.compile(r"\b(?:thank|great|love|perfect|happy|glad)|谢谢|满意|喜欢|太好了", re.I),
}
"""The moods that are shown, each with what a quote for it has to hold."""
_BEGINNING: Mapping[Language, str] = {"en": "The shopper wants ", "zh": "顾客想"}
"""How a small model is held to the language of the chat: it goes on as it is made to begin."""
_REPORTING = frozenset([
    "a", "about", "an", "and", "any", "are", "as", "asks", "at", "be", "because", "been", "but",
    "by", "can", "cannot", "could", "did", "do", "does", "for", "from", "get", "given", "gives",
    "had", "has", "have", "having", "help", "how", "if", "in", "into", "is", "it", "its",
    "know", "looking", "may", "more", "need", "needs", "no", "not", "of", "on", "one", "or",
    "our", "out", "please", "shopper", "customer", "so", "some", "that", "the", "their", "them",
    "there", "they", "this", "to", "up", "want", "wants", "was", "were", "what", "when",
    "where", "whether", "which", "who", "why", "will", "wish", "wishes", "with", "would", "you",
    "your",
])  # fmt: skip
_REPORTING_HAN = frozenset(
    "顾客想要知道询问请求希望需了解是否的了吗呢在和与或被有关于对把这那它他她们什么怎样哪里"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"[$€£¥]?[A-Za-z#]*\d(?:[\w.,-]*\w)?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_DENIAL = re.compile(
    r"\b(?:no|not|never|none|nothing|without|cannot|\w+n['’]t)\b|[不没未别无]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Brief:
    """What passed; "" for what did not, or was not said. `position` is how many messages the
    conversation had. `mood` comes with the shopper's words that show it."""

    position: int
    wants: str = ""
    open: str = ""
    mood: str = ""
    mood_words: str = ""

    @property
    def says_something(self) -> bool:
        return bool(self.wants or self.open or self.mood)


@dataclass(frozen=True, slots=True)
class Briefer:
    """The model with its prompt, and the words that state nothing."""

    model: LanguageModel
    prompt: str
    vocabulary: Vocabulary

    def brief(self, turns: Sequence[Turn], cancel: threading.Event) -> Brief:
        """The conversation in short. Where the shopper has said nothing yet but that they want a
        person, the model is not asked. A model that fails says nothing."""
        position = len(turns)
        said = _said(turns)
        if all(asks_for_a_person(text) for text in said):
            return Brief(position)
        try:
            given = self._ask(turns, cancel)
        except ModelError:
            return Brief(position)
        told = [*said, *(turn.reply for turn in turns), *_written(turns)]

        wants, asked, words = (given[name].strip() for name in ("wants", "open", "mood_words"))
        feeling = _FEELINGS.get(given["mood"])
        felt = feeling is not None and _is_quote(words, said) and feeling.search(words) is not None
        return Brief(
            position,
            "" if statement_problem(wants, said, told, self.vocabulary) else wants,
            asked if _is_quote(asked, said) else "",
            given["mood"] if felt else "",
            words if felt else "",
        )

    def _ask(self, turns: Sequence[Turn], cancel: threading.Event) -> dict[str, Any]:
        chat = "\n".join(_lines(turns)[-2 * RECALLED :])
        language = language_of(_said(turns)[-1], "en")
        wants = f"^{_BEGINNING[language]}.{{2,{_LONGEST}}}$"
        messages = [Message("system", self.prompt), Message("user", chat)]
        held = _schema({"type": "string", "pattern": wants})
        text = "".join(self.model.stream(messages, schema=held, max_tokens=160, cancel=cancel))
        # Where the backend cannot hold it to that, the checks do.
        return valid_decision(text, _schema({"type": "string"}))


def _said(turns: Sequence[Turn]) -> list[str]:
    """The shopper's messages, but for answers to what was proposed."""
    return [turn.text for turn in turns if turn.kind != "staff" and not turn.answers]


def _schema(wants: Mapping[str, str]) -> dict[str, Any]:
    properties = {
        "wants": wants,
        "open": {"type": "string", "maxLength": _LONGEST},
        "mood": {"enum": ["calm", *_FEELINGS]},
        "mood_words": {"type": "string", "maxLength": 80},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def statement_problem(
    text: str, said: Sequence[str], told: Sequence[str], vocabulary: Vocabulary
) -> str:
    """Why the statement is not borne out, or "" where it is. `said` is the shopper's messages,
    `told` those and all that was answered and shown."""
    if not text.strip():
        return "it is empty"
    if language_of(text, "en") not in {language_of(each, "en") for each in said}:
        return "it is in a language that the shopper did not write"
    whole = " ".join(told)
    numbers = set(_NUMBER.findall(whole.casefold()))
    # Fifteen need not be dollars, but dollars have to be.
    numbers |= {number.lstrip("$€£¥") for number in numbers}
    for number in _NUMBER.findall(text.casefold()):
        if number not in numbers:
            return f"{number!r} is nowhere in the conversation"
    known = {stem for each in told for stem in _stems(each)}
    for word in _WORD.findall(text):
        if _HAN.search(word):
            allowed = vocabulary.characters | _REPORTING_HAN
            strange = [each for each in word if each not in whole and each not in allowed]
            if strange:
                return f"{strange[0]!r} is nowhere in the conversation"
            continue
        plain = word.casefold().replace("’", "'")
        if plain not in _REPORTING and _stem(plain) not in known:
            return f"{word!r} is nowhere in the conversation"
    if _DENIAL.search(text) and not any(_DENIAL.search(each) for each in said):
        return "it denies what the shopper did not deny"
    return ""


def brief_text(brief: Brief) -> str:
    """As a line of JSON that any database keeps."""
    return json.dumps(encode(brief))


def brief_from(text: str) -> Brief:
    return decode(Brief, json.loads(text))


def _lines(turns: Sequence[Turn]) -> list[str]:
    """What was said, without the wish for a person: that it is at the desk says so."""
    lines = []
    for turn in turns:
        if turn.kind != "staff" and asks_for_a_person(turn.text) and len(turn.text) < _ASKING:
            continue
        if turn.kind == "staff":
            lines.append(f"Colleague: {turn.words[:LETTERS]}")
            continue
        lines.append(f"Shopper: {turn.text[:LETTERS]}")
        if turn.reply and not turn.handoff:
            lines.append(f"Assistant: {turn.reply[:LETTERS]}")
    return lines


def _written(turns: Sequence[Turn]) -> list[str]:
    """What was shown beside the words, and what colleagues wrote."""
    return [
        *(card.product.title for turn in turns for card in turn.products),
        *(f"{card.order.order_id} {line.title}" for turn in turns for card in turn.orders
          for line in card.order.lines),
        *(turn.text for turn in turns if turn.kind == "staff"),
    ]  # fmt: skip


def _is_quote(words: str, said: Sequence[str]) -> bool:
    return len(words) > 2 and any(words.casefold() in each.casefold() for each in said)


def _stems(text: str) -> list[str]:
    return [_stem(word.casefold().replace("’", "'")) for word in _WORD.findall(text)]


def _stem(word: str) -> str:
    """Without the endings that a sentence about somebody changes: arrive, arrived, arriving."""
    return re.sub(r"(?:ing|ies|ed|es|s|e|y)$", "", word) if len(word) > 3 else word
