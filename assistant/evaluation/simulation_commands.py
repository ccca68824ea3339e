"""`aisle evaluate lift` and `tasks`: conversations with shoppers who are no people."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.errors import BadInput
from assistant.evaluation.options import Home, Json, answer
from assistant.progress import Bars
from assistant.settings import read_settings


def lift(
    households: Annotated[int, typer.Option(min=1, help="How many shoppers.")] = 40,
    turns: Annotated[int, typer.Option(min=1, max=8, help="Messages of each.")] = 4,
    seed: Annotated[int, typer.Option(help="Draws the households.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Keep the document.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """What the recommender is worth in conversation, on baskets that nobody has seen yet."""
    from assistant.evaluation import lift as lifting
    from assistant.evaluation.opened import calls_of, opened
    from assistant.evaluation.runs import provenance, write_run
    from assistant.setup import train
    from assistant.shop.catalogue import Catalogue

    settings = read_settings(home=home)
    bars = Bars()
    with tempfile.TemporaryDirectory(prefix="aisle-lift-") as folder:
        held, cut = lifting.hold_out(settings, Path(folder))
        train(held, bars)
        whole = Catalogue(settings.shop_database)
        chosen = lifting.households(whole, cut, households, turns, seed)
        known = calls_of(settings)
        with opened(held, bars, known, decisions_only=True) as (app, stage):
            run = provenance(
                app.agent, app.shop.catalogue.content_hash, settings.shop_database,
                seed=seed, cut=str(cut),
            )  # fmt: skip
            document = {"run": run, **lifting.lift(stage, whole, chosen, turns, bars)}
    if out:
        write_run(document, out)
    answer(document, as_json, _lifted(document))


def _lifted(document: dict[str, Any]) -> str:
    lines = [f"{document['households']} households, cut at {document['run']['cut']}"]
    for name, each in document["arms"].items():
        hits = "  ".join(f"{value:.3f} [{low:.3f}, {high:.3f}]"
                         for value, low, high in each["hit_by_turn"])  # fmt: skip
        value, low, high = each["turns_to_hit"]
        lines.append(f"{name:10} hit by turn: {hits}; turns {value:.2f} [{low:.2f}, {high:.2f}]")
    return "\n".join(lines)


def tasks(
    file: Path,
    trials: Annotated[int, typer.Option(min=1, help="Times that each task is tried.")] = 1,
    most: Annotated[int | None, typer.Option(min=1, help="Tasks at the most, by seed.")] = None,
    seed: Annotated[int, typer.Option(help="Of the sample and of the rewording.")] = 1,
    at_best: Annotated[
        bool, typer.Option("--at-best", help="Understand every line: what the tools allow.")
    ] = False,
    shopper_url: Annotated[
        str, typer.Option(help="Let a model play the shopper: an OpenAI-compatible endpoint.")
    ] = "",
    shopper_model: Annotated[str, typer.Option(help="Its name there.")] = "",
    shopper_key: Annotated[str, typer.Option(envvar="AISLE_SHOPPER_KEY")] = "",
    out: Annotated[Path | None, typer.Option(help="Keep the run.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report, one HTML file.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Have whole tasks of tau-bench in a home with its shop; the final state decides."""
    from assistant.evaluation.opened import calls_of, checks_of, opened
    from assistant.evaluation.report import write_report
    from assistant.evaluation.runs import provenance, write_run
    from assistant.evaluation.tasks import (
        Makes,
        perfect,
        played_by,
        read_tasks,
        run_tasks,
        sample,
        shopper_for,
    )
    from assistant.llm.server import ServerModel
    from assistant.orders.book import OrderBook
    from assistant.store import Store
    from prompts import read_prompt

    if bool(shopper_url) != bool(shopper_model):
        raise BadInput("give --shopper-url and --shopper-model together, or neither")
    settings = read_settings(home=home)
    bars = Bars()
    with opened(settings, bars, calls_of(settings), fresh=at_best) as (app, stage):
        found, problems = read_tasks(file, app.shop.catalogue)
        chosen = sample(found, most, seed) if most else found
        if at_best:
            book = OrderBook(app.shop.catalogue, Store.open("sqlite://").database)
            stage.agent = replace(app.agent, model=perfect(found, app.shop.catalogue, book))
        run = provenance(
            stage.agent, app.shop.catalogue.content_hash, file,
            seed=seed, trials=trials, shopper=shopper_model or "scripted", at_best=at_best,
        )  # fmt: skip
        make: Makes = shopper_for
        if shopper_url:
            model = ServerModel(shopper_url, shopper_model, key=shopper_key)
            make = played_by(model, read_prompt("shopper.md", settings.home / "prompts"))
        document = run_tasks(stage, checks_of(app), chosen, trials, seed, bars, make)
    document = {"run": run, "problems": problems, "model": run["model"], **document}
    if out:
        write_run(document, out)
    if report:
        write_report(document, report)
    answer(document, as_json, _tried(document))


def _tried(document: dict[str, Any]) -> str:
    lines = [
        f"{document['conversations']} tasks, {document['trials']} trials each, "
        f"{document['turns']} turns"
    ]
    for name in ("pass_1", "pass_k", "final_state_rate", "grounded_rate"):
        value = document["metrics"].get(name)
        if value:
            lines.append(f"{name:20} {value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]")
    lines += [
        f"task {each['id']}, trial {each['trial']}: {each['why'] or 'solved'}"
        for each in document["tasks"]
    ]
    return "\n".join(lines)
