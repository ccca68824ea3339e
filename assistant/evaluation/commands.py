"""`aisle evaluate` for conversations, and `aisle export-transcripts`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.errors import BadInput
from assistant.evaluation.judge_commands import judge, label
from assistant.evaluation.options import Home, Json, answer
from assistant.evaluation.recommender_commands import recommender
from assistant.evaluation.sequence_commands import sequences
from assistant.evaluation.simulation_commands import lift, tasks
from assistant.progress import Bars
from assistant.settings import read_settings

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.evaluation.transcripts import Transcript

SERVED_WORKERS = 8
"""Conversations at a time where the model is a server or a GPU, which batch them."""

evaluate_commands = typer.Typer(no_args_is_help=True, help="Offline evaluation.")
for command in (judge, label, lift, recommender, sequences, tasks):
    evaluate_commands.command()(command)


@evaluate_commands.command("transcripts")
def transcripts(
    file: Path,
    trials: Annotated[int, typer.Option(min=1, help="Times that each conversation is had.")] = 1,
    history: Annotated[
        str, typer.Option(help="free, or forced: after the recorded answers.")
    ] = "free",
    format_: Annotated[
        str, typer.Option("--format", help="auto, aisle, abcd, tau, multiwoz, bitext, messages.")
    ] = "auto",
    per_group: Annotated[
        int | None, typer.Option(min=1, help="At most so many conversations of each group.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sample and of the rewording.")] = 1,
    customer: Annotated[
        str | None, typer.Option(help="Who speaks where the set does not say.")
    ] = None,
    decisions_only: Annotated[
        bool, typer.Option("--decisions-only", help="Ask the model for no wording: routing alone.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Conversations at a time.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask the model anew, whatever is known already.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Keep the run, for `compare`.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report, one HTML file.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Replay a transcript set against the shop and compare with what was expected."""
    from assistant.evaluation.formats import read_transcripts
    from assistant.evaluation.opened import calls_of, checks_of, opened
    from assistant.evaluation.replay import Plan, replay
    from assistant.evaluation.report import write_report
    from assistant.evaluation.runs import provenance, write_run
    from assistant.evaluation.transcripts import sample

    if history not in ("free", "forced"):
        raise BadInput(f"history {history!r} is neither 'free' nor 'forced'")
    loaded = read_transcripts(file, format_)
    chosen = sample(loaded.transcripts, per_group, seed) if per_group else loaded.transcripts
    settings = read_settings(home=home)
    bars = Bars()
    with opened(settings, bars, calls_of(settings), decisions_only=decisions_only, fresh=fresh) as (
        app,
        stage,
    ):
        known, strangers = _with_customers(app, chosen, customer)
        problems = [*loaded.problems, *strangers]
        for problem in problems:
            print(f"aisle: left out: {problem}", file=sys.stderr)
        plan = Plan(
            "forced" if history == "forced" else "free",
            trials,
            seed,
            workers or (1 if settings.backend == "llamacpp" else SERVED_WORKERS),
        )
        run = provenance(
            app.agent,
            app.shop.catalogue.content_hash,
            file,
            seed=seed,
            trials=trials,
            history=history,
            per_group=per_group,
            decisions_only=decisions_only,
            workers=plan.workers,
        )
        document = replay(stage.conversation, checks_of(app), known, plan, bars)
    document = {"run": run, "problems": problems, "model": run["model"], **document}
    if out:
        write_run(document, out)
    if report:
        write_report(document, report)
    answer(document, as_json, _summary(document))
    if document["stopped"]:
        print("aisle: stopped early; the same command goes on where it was", file=sys.stderr)
        raise typer.Exit(130)


@evaluate_commands.command("compare")
def compare(
    a: Path,
    b: Path,
    most_lost: Annotated[
        float, typer.Option(min=0, help="A rate may lose so much before B is called worse.")
    ] = 0.02,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 1,
    as_json: Json = False,
) -> None:
    """Is run B better than run A? Ends with exit code 1 if it is worse."""
    from assistant.evaluation.compare import compare as run
    from assistant.evaluation.runs import read_run

    document = run(read_run(a), read_run(b), most_lost, seed)
    answer(document, as_json, _compared(document))
    if document["verdict"] == "worse":
        raise typer.Exit(1)


def export_transcripts(
    file: Path,
    since: Annotated[datetime | None, typer.Option(help="Begun on or after this day.")] = None,
    keep_ids: Annotated[
        bool, typer.Option("--keep-ids", help="Customer ids and order numbers stay, for replays.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write stored conversations as a transcript set, personal data replaced consistently."""
    from assistant.evaluation.export import export_transcripts as run
    from assistant.shop.catalogue import Catalogue
    from assistant.store import Store

    settings = read_settings(home=home)
    catalogue = Catalogue(settings.shop_database)
    store = Store.open(settings.database_url)
    try:
        count = run(store, catalogue, file, since=since and since.astimezone(), keep_ids=keep_ids)
    finally:
        store.close()
    answer({"file": str(file), "conversations": count}, as_json, f"{count} conversations: {file}")


def _compared(document: dict[str, Any]) -> str:
    lines = [f"{name}: {old!s} -> {new!s}" for name, (old, new) in document["differs"].items()]
    lines += [f"{document['turns']} turns in both runs", ""]
    for name, each in {**document["metrics"], **document["seconds"]}.items():
        if each:
            value, low, high = each["difference"]
            lines.append(
                f"{name:22} {each['a']:7.3f} {each['b']:7.3f}  {value:+.3f} "
                f"[{low:+.3f}, {high:+.3f}]  {each.get('verdict', '')}"
            )
    for each in document["changed"]:
        what = [f"fixed {name}" for name in each["fixed"]]
        what += [f"broke {name}" for name in each["broken"]]
        lines.append(
            f"{each['id']}, turn {each['turn']}: {each['text']!r}: "
            f"{', '.join(what) or 'another answer'}"
        )
    return "\n".join([*lines, "", f"B is {document['verdict']}.", *document["because"]])


def _with_customers(
    app: App, chosen: Sequence[Transcript], customer: str | None
) -> tuple[list[Transcript], list[str]]:
    """The conversations whose customer the shop has, and a sentence for each that it lacks."""
    catalogue = app.shop.catalogue
    if customer is not None:
        app.session.customer(customer)
    known, strangers = [], []
    for each in chosen:
        spoken = replace(each, customer_id=each.customer_id or customer)
        if spoken.customer_id and not catalogue.customer_exists(spoken.customer_id):
            strangers.append(
                f"conversation {each.transcript_id!r}: field 'customer_id': "
                f"no customer {spoken.customer_id!r} in {catalogue.info.name}"
            )
        else:
            known.append(spoken)
    if not known:
        raise BadInput(f"no conversation can be replayed: {strangers[0]}")
    return known, strangers


def _summary(document: dict[str, Any]) -> str:
    lines = [f"{document['conversations']} conversations, {document['turns']} turns"]
    for name, value in document["metrics"].items():
        if isinstance(value, list):
            lines.append(f"{name:22} {value[0]:7.3f}  [{value[1]:.3f}, {value[2]:.3f}]")
        elif value is not None:
            lines.append(f"{name:22} {value:7.2f}")
    bad = [each for each in document["turn_results"] if each["failures"]]
    lines += [
        f"{each['id']}, turn {each['turn']}: {each['text']!r}: {', '.join(each['failures'])}"
        for each in bad
    ]
    return "\n".join(lines)
