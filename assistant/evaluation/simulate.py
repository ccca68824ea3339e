"""Shoppers who are no people: scripted ones, the same every time, and ones that a model plays.

A product that a shopper has in mind is a secret: what they say is checked, and never holds its
name. tau-bench (Yao et al. 2024) simulates its users by a model; here that is one of two ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from assistant.evaluation.stage import Answer, Assistant
from assistant.llm.base import LanguageModel, Message

PATIENCE = 8
"""Messages that a shopper writes before they give up."""
DONE = "[DONE]"
"""What a model-driven shopper writes when their wish is met, and alone when it cannot be."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Exchange:
    text: str
    answer: Answer


class SimulatedShopper(Protocol):
    def speak(self, exchanges: Sequence[Exchange]) -> str | None:
        """The next message, or None when this shopper has nothing more to say."""
        ...


def converse(
    assistant: Assistant, shopper: SimulatedShopper, patience: int = PATIENCE
) -> list[Exchange]:
    """The conversation until the shopper is done, handed over to a person, or out of patience."""
    exchanges: list[Exchange] = []
    while len(exchanges) < patience:
        text = shopper.speak(exchanges)
        if text is None:
            break
        exchanges.append(Exchange(text, assistant.answer(text)))
        if exchanges[-1].answer.turn.handoff:
            break
    return exchanges


@dataclass(frozen=True, slots=True)
class Secrets:
    """Names that must not be said: of every one, no run of its words that would name it."""

    names: tuple[str, ...] = ()

    def told_by(self, text: str) -> str | None:
        """The name that a text gives away, None if none.

        A name is given away by all the words before its size or brand ("oat milk" of "Oat milk,
        64 oz") in a row.
        """
        words = _words(text)
        for name in self.names:
            parts = _words(name.split(",")[0])
            if parts and any(
                words[at : at + len(parts)] == parts for at in range(len(words) - len(parts) + 1)
            ):
                return name
        return None


@dataclass(slots=True)
class ScriptedShopper:
    """Says their lines in order, answers what they are asked from what they know, and no more.

    lines: what they say when nothing is asked of them, the wish first. facts: a pattern of what
    may be asked, and the answer; each is given once. confirms: said when a change is shown for
    confirmation. done: whether an answer was what they wanted. Raises ValueError for a line that
    gives a secret away.
    """

    lines: Sequence[str]
    facts: Mapping[str, str] = field(default_factory=dict)
    confirms: str = "yes"
    done: Callable[[Answer], bool] = lambda _: False
    waits: Callable[[Answer], bool] = lambda _: False
    secrets: Secrets = Secrets()
    _said: int = 0
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for line in (*self.lines, *self.facts.values(), self.confirms):
            if name := self.secrets.told_by(line):
                raise ValueError(f"{line!r} gives away {name!r}, which the shopper has in mind")

    def speak(self, exchanges: Sequence[Exchange]) -> str | None:
        last = exchanges[-1].answer if exchanges else None
        if last is not None:
            if self.waits(last):
                return self.confirms
            if self.done(last):
                return None
            for pattern, fact in self.facts.items():
                if pattern not in self._told and re.search(pattern, last.turn.reply, re.IGNORECASE):
                    self._told.add(pattern)
                    return fact
        if self._said >= len(self.lines):
            return None
        self._said += 1
        return self.lines[self._said - 1]


@dataclass(slots=True)
class ModelShopper:
    """A shopper played by a language model, by instructions as tau-bench gives them.

    `prompt` is prompts/shopper.md. A message that gives a secret away is asked for once more, then
    `fallback` is said in its place: the name never leaves.
    """

    model: LanguageModel
    prompt: str
    instructions: str
    secrets: Secrets = Secrets()
    fallback: str = "Can you show me something else?"

    def speak(self, exchanges: Sequence[Exchange]) -> str | None:
        messages = [Message("system", f"{self.prompt}\n\n{self.instructions}")]
        # To the model that plays the shopper, the assistant is the one who speaks to it.
        messages.append(Message("user", "(The chat is open. Write your first message.)"))
        for each in exchanges:
            messages.append(Message("assistant", each.text))
            messages.append(Message("user", each.answer.turn.reply or "(no answer)"))
        text = self._say(messages)
        if (name := self.secrets.told_by(text)) is not None:
            again = f"(Do not name {name!r}. Describe what you need. Write the message again.)"
            text = self._say([*messages, Message("assistant", text), Message("user", again)])
            if self.secrets.told_by(text) is not None:
                text = self.fallback
        said = text.replace(DONE, "").strip()
        if DONE in text or not said:
            return None
        return said

    def _say(self, messages: Sequence[Message]) -> str:
        return "".join(self.model.stream(messages, max_tokens=120)).strip()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text))
