"""`aisle evaluate` for conversations, and `aisle export-transcripts`."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.errors import BadInput
from assistant.progress import Bars
from assistant.settings import Settings, read_settings

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.evaluation.stage import Stage
    from assistant.evaluation.transcripts import Transcript

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Home = Annotated[Path | None, typer.Option(help="The shop's home (AISLE_HOME, default .aisle).")]

SERVED_WORKERS = 8
"""Conversations at a time where the model is a server or a GPU, which batch them."""

evaluate_commands = typer.Typer(no_args_is_help=True, help="Offline evaluation.")


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
    calls = settings.home / "evaluation" / "calls.db"
    with _app(settings, bars) as app, _stage(app, calls, decisions_only, fresh) as stage:
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
        document = replay(stage.conversation, _checks(app), known, plan, bars)
    document = {"run": run, "problems": problems, "model": run["model"], **document}
    if out:
        write_run(document, out)
    if report:
        write_report(document, report)
    _answer(document, as_json, _summary(document))


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
    _answer(document, as_json, _compared(document))
    if document["verdict"] == "worse":
        raise typer.Exit(1)


@evaluate_commands.command("judge")
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
    _answer(document, as_json, _judged(document))


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


@evaluate_commands.command("label")
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
    _answer({"page": str(page), "pairs": len(pairs)}, as_json, f"{len(pairs)} pairs: open {page}")


@evaluate_commands.command("lift")
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
        calls = settings.home / "evaluation" / "calls.db"
        with _app(held, bars) as app, _stage(app, calls, decisions_only=True) as stage:
            run = provenance(
                app.agent, app.shop.catalogue.content_hash, settings.shop_database,
                seed=seed, cut=str(cut),
            )  # fmt: skip
            document = {"run": run, **lifting.lift(stage, whole, chosen, turns, bars)}
    if out:
        write_run(document, out)
    _answer(document, as_json, _lifted(document))


def _lifted(document: dict[str, Any]) -> str:
    lines = [f"{document['households']} households, cut at {document['run']['cut']}"]
    for name, each in document["arms"].items():
        hits = "  ".join(f"{value:.3f} [{low:.3f}, {high:.3f}]"
                         for value, low, high in each["hit_by_turn"])  # fmt: skip
        value, low, high = each["turns_to_hit"]
        lines.append(f"{name:10} hit by turn: {hits}; turns {value:.2f} [{low:.2f}, {high:.2f}]")
    return "\n".join(lines)


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
    _answer({"file": str(file), "conversations": count}, as_json, f"{count} conversations: {file}")


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


@contextmanager
def _app(settings: Settings, bars: Bars) -> Iterator[App]:
    from assistant.app import build

    app = build(settings, bars)
    try:
        yield app
    finally:
        app.session.close()


@contextmanager
def _stage(
    app: App, known_calls: Path, decisions_only: bool = False, fresh: bool = False
) -> Iterator[Stage]:
    from assistant.app import open_session
    from assistant.evaluation.measured import Calls
    from assistant.evaluation.stage import Stage

    calls = Calls(known_calls)
    stage = Stage(
        app.shop,
        app.agent,
        partial(open_session, app.settings, app.shop),
        calls,
        decisions_only=decisions_only,
        fresh=fresh,
    )
    try:
        yield stage
    finally:
        stage.close()
        calls.close()


def _checks(app: App) -> Any:
    from assistant.evaluation.checks import Checks
    from assistant.evaluation.truth import Truth
    from prompts import read_prompt

    folder = app.settings.home / "prompts"
    # Examples are left out: what they say is meant to be said.
    prompts = [read_prompt(name, folder) for name in ("decide.md", "reply.md")]
    return Checks(Truth(app.shop.catalogue), app.agent.tools, prompts)


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


def _answer(document: Any, as_json: bool, text: str) -> None:
    print(json.dumps(document, ensure_ascii=False) if as_json else text)
