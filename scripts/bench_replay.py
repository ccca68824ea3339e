"""How long 1,000 turns take to replay when the model itself costs nothing.

    python scripts/bench_replay.py [--home .aisle] [--set FILE] [--turns 1000] [--runs 3] [--out J]

A scripted model decides what the set expects, at once; all else is real: the home's shop, search,
recommender, a fresh database for each conversation, every check. So this is what evaluation adds to
the model's own time. The bound is 20 s for 1,000 turns on two cores; the ratio is to that bound.
Prints JSON, and writes it with --out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from assistant.agent import load_agent
from assistant.app import open_session, open_shop
from assistant.evaluation.checks import Checks
from assistant.evaluation.formats import read_transcripts
from assistant.evaluation.replay import Plan, replay
from assistant.evaluation.runs import machine
from assistant.evaluation.stage import Stage
from assistant.evaluation.table import TableModel
from assistant.evaluation.transcripts import Transcript
from assistant.evaluation.truth import Truth
from assistant.settings import Settings
from assistant.tools import shop_tools
from prompts import read_prompt

BOUND = 20.0
"""Seconds for 1,000 turns on two cores."""
SET = Path(__file__).parents[1] / "tests" / "transcripts" / "smoke.jsonl"


def _decision(text: str, expect: Mapping[str, Any]) -> dict[str, Any]:
    name = (expect.get("tools") or ["reply"])[0]
    needed: dict[str, dict[str, Any]] = {
        "search_products": {"query": text},
        "search_help": {"query": text},
        "recommend_products": {"kind": "new_for_you"},
        "compare_products": {"products": ["P1", "P2"]},
        "add_to_cart": {"product": "P1"},
        "remove_from_cart": {"product": "P1"},
        "hand_off": {"reason": "complaint"},
    }
    return {"tool": name, **needed.get(name, {}), **expect.get("arguments", {})}


def enough(transcripts: Sequence[Transcript], turns: int) -> list[Transcript]:
    """The set over and over, under new names, until it holds so many turns."""
    found: list[Transcript] = []
    held = 0
    for number, each in enumerate(islice(cycle(transcripts), turns)):
        if held >= turns:
            break
        found.append(replace(each, transcript_id=f"{number}-{each.transcript_id}"))
        held += len(each.turns)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".aisle"))
    parser.add_argument("--set", type=Path, default=SET)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    # One thread embeds a query as fast as two, and leaves a neighbour its core.
    settings = Settings(home=given.home, threads=1)
    transcripts = enough(read_transcripts(given.set).transcripts, given.turns)
    turns = sum(len(each.turns) for each in transcripts)
    shop = open_shop(settings)
    decisions = {
        turn.text: _decision(turn.text, turn.expect) for t in transcripts for turn in t.turns
    }
    agent = load_agent(TableModel(decisions), shop_tools(), shop.catalogue.info.name)
    prompts = [read_prompt(name) for name in ("decide.md", "reply.md")]
    checks = Checks(Truth(shop.catalogue), agent.tools, prompts)
    stage = Stage(shop, agent, partial(open_session, settings, shop))
    plan = Plan(workers=given.workers)
    replay(stage.conversation, checks, transcripts[:20], plan)
    seconds = []
    for _ in range(given.runs):
        started = time.perf_counter()
        document = replay(stage.conversation, checks, transcripts, plan)
        seconds.append(time.perf_counter() - started)
    stage.close()
    median = statistics.median(seconds)
    bound = BOUND * turns / 1000
    answer = {
        "turns": turns,
        "conversations": len(transcripts),
        "workers": given.workers,
        "seconds": {
            "median": round(median, 2),
            "least": round(min(seconds), 2),
            "most": round(max(seconds), 2),
            "runs": given.runs,
        },
        "milliseconds_per_turn": round(1000 * median / turns, 2),
        "bound_seconds": bound,
        "ratio_to_bound": round(median / bound, 3),
        "tool_accuracy": document["metrics"]["tool_accuracy"][0],
        "load_average": os.getloadavg()[0],
        "machine": machine(),
    }
    print(json.dumps(answer, indent=1))
    if given.out:
        given.out.write_text(json.dumps(answer, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
