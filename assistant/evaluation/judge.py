"""A judge for what no check can tell: helpfulness and tone, two runs in pairs.

Any OpenAI-compatible model under the fixed rubric of prompts/judge.md. Every pair is judged in
both orders, because judges favour a place (Zheng et al. 2023): a win counts only if it is one in
both, else it is a tie. How far to trust the judge is measured against labels by people.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from assistant.errors import BadInput, ModelError
from assistant.evaluation.statistics import wilson
from assistant.llm.base import LanguageModel, Message
from assistant.progress import Progress, silent

Winner = Literal["a", "b", "tie"]
Key = tuple[str, int, int]

QUALITIES = ("helpful", "tone", "winner")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {name: {"enum": ["first", "second", "tie"]} for name in QUALITIES},
    "required": list(QUALITIES),
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """The answers of two runs to one message, where they differ."""

    conversation: str
    trial: int
    turn: int
    text: str
    a: str
    b: str

    @property
    def key(self) -> Key:
        return self.conversation, self.trial, self.turn


def pairs_of(a: Mapping[str, Any], b: Mapping[str, Any], most: int, seed: int) -> list[Pair]:
    """Turns of both runs whose answers differ, at most so many, drawn by seed, in A's order.

    Raises BadInput when no answer differs.
    """
    after = {_key(each): each for each in b["turn_results"]}
    found = [
        Pair(*_key(each), each["text"], each["reply"], after[_key(each)]["reply"])
        for each in a["turn_results"]
        if _key(each) in after and each["reply"] != after[_key(each)]["reply"]
    ]
    if not found:
        raise BadInput("the two runs answer every common turn alike; there is nothing to judge")
    places = random.Random(seed).sample(range(len(found)), min(most, len(found)))
    return [found[place] for place in sorted(places)]


def judge(
    model: LanguageModel, prompt: str, pairs: Sequence[Pair], progress: Progress = silent
) -> dict[str, Any]:
    """The document of `aisle evaluate judge --json`.

    By quality the share of pairs that B won, that A won, and ties, with 95 % intervals; `steady` is
    the share of pairs whose winner was the same in both orders. Pairs that the judge could not
    answer are left out and counted. Raises ModelError when it answered none.
    """
    judged: list[dict[str, Any]] = []
    failed = 0
    problem = ""
    for place, pair in enumerate(pairs):
        progress("Judging", place, len(pairs))
        try:
            there = _ask(model, prompt, pair.text, pair.a, pair.b)
            back = _ask(model, prompt, pair.text, pair.b, pair.a)
        except ModelError as error:
            failed += 1
            problem = error.message
            continue
        turned = {"first": "b", "second": "a", "tie": "tie"}
        straight = {"first": "a", "second": "b", "tie": "tie"}
        first = {name: straight[there[name]] for name in QUALITIES}
        second = {name: turned[back[name]] for name in QUALITIES}
        judged.append(
            {
                "id": pair.conversation,
                "trial": pair.trial,
                "turn": pair.turn,
                "text": pair.text,
                "a": pair.a,
                "b": pair.b,
                **{
                    name: first[name] if first[name] == second[name] else "tie"
                    for name in QUALITIES
                },
                "steady": first["winner"] == second["winner"],
            }
        )
    progress("Judging", len(pairs), len(pairs))
    if not judged:
        raise ModelError(f"the judge {model.name!r} answered no pair: {problem}")
    return {
        "judge": model.name,
        "pairs": len(judged),
        "failed": failed,
        "qualities": {name: _shares(judged, name) for name in QUALITIES},
        "steady": wilson(sum(each["steady"] for each in judged), len(judged)),
        "judged": judged,
    }


def _ask(
    model: LanguageModel, prompt: str, text: str, first: str, second: str
) -> Mapping[str, str]:
    asked = json.dumps({"shopper": text, "first": first, "second": second}, ensure_ascii=False)
    return model.decide([Message("system", prompt), Message("user", asked)], SCHEMA)


def _shares(judged: Sequence[Mapping[str, Any]], quality: str) -> dict[str, list[float]]:
    counts = Counter(each[quality] for each in judged)
    return {winner: wilson(counts[winner], len(judged)) for winner in ("a", "b", "tie")}


# --- people ------------------------------------------------------------------------------------


def read_labels(path: Path) -> dict[Key, Winner]:
    """Labels by people: a line each {"id", "trial", "turn", "winner": "a", "b" or "tie"}.

    Raises BadInput naming file, line and field.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"labels {str(path)!r} cannot be read: {error}") from None
    labels: dict[Key, Winner] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            winner = row["winner"]
            key = str(row["id"]), int(row["trial"]), int(row["turn"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path}, line {number}: no label: {error!r}") from None
        if winner not in ("a", "b", "tie"):
            raise BadInput(
                f"{path}, line {number}: field 'winner' is {winner!r}, not 'a', 'b' or 'tie'"
            )
        labels[key] = winner
    return labels


def agreement(document: Mapping[str, Any], labels: Mapping[Key, Winner]) -> dict[str, Any]:
    """How often judge and people name the same winner, and Cohen's kappa (Cohen 1960).

    Raises BadInput when no judged pair has a label.
    """
    both = [(e["winner"], labels[_key(e)]) for e in document["judged"] if _key(e) in labels]
    if not both:
        raise BadInput("no judged pair has a label; label pairs of these two runs")
    agreed = sum(judged == label for judged, label in both)
    of = len(both)
    judges, people = Counter(j for j, _ in both), Counter(p for _, p in both)
    chance = sum(judges[name] * people[name] for name in judges) / of**2
    kappa = None if chance == 1 else round((agreed / of - chance) / (1 - chance), 4)
    return {"labelled": of, "agreement": wilson(agreed, of), "kappa": kappa}


def _key(each: Mapping[str, Any]) -> Key:
    return str(each["id"]), int(each["trial"]), int(each["turn"])


def labelling_page(pairs: Sequence[Pair], seed: int) -> str:
    """One HTML file to label pairs in, offline; which side a run stands on is drawn by seed."""
    rng = random.Random(seed)
    rows = []
    for pair in pairs:
        left, right = ("a", "b") if rng.random() < 0.5 else ("b", "a")
        rows.append(
            {
                "id": pair.conversation,
                "trial": pair.trial,
                "turn": pair.turn,
                "text": pair.text,
                "left": getattr(pair, left),
                "right": getattr(pair, right),
                "left_is": left,
                "right_is": right,
            }
        )
    # Inside a script element only "<" could end it.
    told = json.dumps(rows, ensure_ascii=False).replace("<", "\\u003c")
    page = resources.files(__package__).joinpath("labels.html").read_text(encoding="utf-8")
    return page.replace("{{pairs}}", told)
