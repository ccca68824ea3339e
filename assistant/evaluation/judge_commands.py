"""`aisle evaluate judge` and `label`: what no check can tell, by a model and by people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.evaluation.options import Home, Json, answer
from assistant.progress import Bars
from assistant.settings import read_settings


def judge(
    a: Path,
    b: Path,
    url: Annotated[str, typer.Option(help="An OpenAI-compatible endpoint, up to /v1.")],
    model: Annotated[str, typer.Option(help="The judge's name there.")],
    key: Annotated[str, typer.Option(envvar="AISLE_JUDGE_KEY", help="Its key, if any.")] = "",
    labels: Annotated[Path | None, typer.Option(help="Labels by people, to compare with.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Pairs at the most.")] = 100,
    seed: Annotated[int, typer.Option(help="Draws the pairs.")] = 1,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Helpfulness and tone of two runs by a judge, each pair in both orders; never enough alone."""
    from assistant.evaluation import judge as judging
    from assistant.evaluation.runs import read_run
    from assistant.llm.server import ServerModel
    from prompts import read_prompt

    pairs = judging.pairs_of(read_run(a), read_run(b), most, seed)
    known = judging.read_labels(labels) if labels else {}
    prompt = read_prompt("judge.md", read_settings(home=home).home / "prompts")
    server = ServerModel(url, model, key=key)
    try:
        document = judging.judge(server, prompt, pairs, Bars())
    finally:
        server.close()
    document["people"] = judging.agreement(document, known) if labels else None
    answer(document, as_json, _judged(document))


def _judged(document: dict[str, Any]) -> str:
    lines = [f"{document['pairs']} pairs by {document['judge']}, {document['failed']} unanswered"]
    for name, shares in document["qualities"].items():
        lines.append(f"{name:8} " + "  ".join(
            f"{who} {value:.3f} [{low:.3f}, {high:.3f}]"
            for who, (value, low, high) in shares.items()
        ))  # fmt: skip
    lines.append(f"the same winner in both orders: {document['steady']}")
    people = document["people"] or "nobody has labelled any: see `aisle evaluate label`"
    return "\n".join([*lines, f"agreement with people: {people}"])


def label(
    a: Path,
    b: Path,
    page: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("labels.html"),
    most: Annotated[int, typer.Option(min=1, help="Pairs at the most.")] = 100,
    seed: Annotated[int, typer.Option(help="Draws the pairs and their sides.")] = 1,
    as_json: Json = False,
) -> None:
    """Write a page on which people say which of two answers is better, not knowing whose it is."""
    from assistant.evaluation.judge import labelling_page, pairs_of
    from assistant.evaluation.runs import read_run, write_text

    pairs = pairs_of(read_run(a), read_run(b), most, seed)
    write_text(labelling_page(pairs, seed), page)
    answer({"page": str(page), "pairs": len(pairs)}, as_json, f"{len(pairs)} pairs: open {page}")
