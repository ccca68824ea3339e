"""The command line. Every command takes `--json`: one JSON document on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.desk.commands import staff_commands
from assistant.errors import AisleError, BadInput
from assistant.evaluation.commands import evaluate_commands, export_transcripts
from assistant.privacy import keep_logs_clean
from assistant.progress import Bars
from assistant.settings import Settings, read_settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Home = Annotated[Path | None, typer.Option(help="The shop's home (AISLE_HOME, default .aisle).")]
Customer = Annotated[str | None, typer.Option("--customer", help="A customer id; a guest without.")]

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
model_commands = typer.Typer(no_args_is_help=True, help="Weights that Aisle can fetch and use.")
cli.add_typer(model_commands, name="model")
cli.add_typer(evaluate_commands, name="evaluate")
cli.add_typer(staff_commands, name="staff")
cli.command("export-transcripts")(export_transcripts)


def main() -> None:
    """Run the command line; an error that a person can act on is one sentence."""
    # Chatter of libraries about their own progress would break --json and hide our bars.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    keep_logs_clean()
    try:
        cli()
    except AisleError as error:
        print(f"aisle: {error.message}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


@cli.command()
def setup(
    dataset: Annotated[str, typer.Option(help="Whose data to import.")] = "completejourney",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Fetch weights, import and ingest the shop, train, index. Goes on where it stopped."""
    from assistant.setup import set_up

    settings = read_settings(home=home)
    done = set_up(settings, Bars(), dataset)
    _answer(
        {"home": str(settings.home), "done": done},
        as_json,
        f"{settings.home} is ready ({', '.join(done) or 'nothing was left to do'}).",
    )


@cli.command("import")
def import_(name: str, source: Path, folder: Path, as_json: Json = False) -> None:
    """Write a shop folder from a known data set: NAME SOURCE FOLDER."""
    from assistant.shop.importers import import_shop

    import_shop(name, source, folder, Bars())
    _answer({"folder": str(folder)}, as_json, f"{folder} is a shop folder now; `aisle ingest` it.")


@cli.command()
def ingest(folder: Path, home: Home = None, as_json: Json = False) -> None:
    """Take a shop folder in: validate, set bad rows aside, keep the rest, report on the data."""
    from assistant.setup import take_in

    settings = read_settings(home=home)
    settings.home.mkdir(parents=True, exist_ok=True)
    report = take_in(folder, settings, Bars())
    page = settings.data_report
    _answer(
        {**report.as_dict(), "report": str(page)},
        as_json,
        f"{report.summary()}\nThe data in plots: {page}",
    )


@cli.command()
def train(
    plain: Annotated[
        bool, typer.Option("--plain", help="Without the learned re-ranker: seconds, not minutes.")
    ] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="Learn only the slots that it helps, by validation.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train the recommender and index the catalogue that was ingested."""
    from assistant.setup import index, winners
    from assistant.setup import train as run

    if plain and tune:
        raise BadInput("--plain and --tune exclude each other; give one of them")
    settings = read_settings(home=home)
    bars = Bars()
    index(settings, bars)
    slots = frozenset[str]() if plain else frozenset({"next_basket", "new_items"})
    if tune:
        slots = winners(settings, bars)
    run(settings, bars, slots)
    document = {"home": str(settings.home), "learned": sorted(slots)}
    _answer(document, as_json, f"Indexed and trained; learned: {', '.join(sorted(slots)) or '-'}.")


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option()] = None,
    home: Home = None,
) -> None:
    """Open the chat: shoppers at /, the API at /api/v1."""
    from assistant.web.server import serve as run

    run(read_settings(home=home, host=host, port=port), Bars())


@cli.command()
def chat(
    customer: Customer = None,
    message: Annotated[str | None, typer.Option(help="Ask once and leave.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Talk to the assistant in a terminal, or ask one --message."""
    from assistant.messages import readable
    from assistant.terminal import Terminal, as_document

    if as_json and message is None:
        raise BadInput("--json needs a --message to answer")
    if message is not None:
        readable(message)
    with _session(read_settings(home=home), customer) as (session, shopper):
        terminal = Terminal(session, shopper, quiet=as_json)
        if message is None:
            terminal.converse()
        else:
            turn = terminal.ask(message)
            if as_json:
                print(json.dumps(as_document(turn), ensure_ascii=False))


@cli.command()
def recommend(
    customer: Customer = None,
    kind: Annotated[
        str, typer.Option(help="buy_again, new_for_you, goes_with, similar, popular")
    ] = "buy_again",
    product: Annotated[str | None, typer.Option(help="For goes_with and similar.")] = None,
    category: Annotated[str | None, typer.Option()] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=200)] = 10,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="0: the best first; more: from more shelves.")
    ] = 0.0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The recommender alone."""
    from assistant.alone import recommend as run

    answer = run(read_settings(home=home), customer, kind, product, category, k, diversity)
    _answer(answer, as_json, _listed(answer["items"]))


@cli.command()
def search(
    query: str,
    max_price: Annotated[float | None, typer.Option(min=0)] = None,
    min_price: Annotated[float | None, typer.Option(min=0)] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=200)] = 10,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Retrieval alone."""
    from assistant.alone import search as run

    answer = run(read_settings(home=home), query, min_price, max_price, k)
    _answer(answer, as_json, _listed(answer["items"]))


@model_commands.command("list")
def model_list(as_json: Json = False) -> None:
    """Weights by name, with licence and whether they are here."""
    from assistant.llm.models import list_models

    rows = list_models(read_settings().cache_folder)
    _answer(rows, as_json, "\n".join("  ".join(str(v) for v in row.values()) for row in rows))


@model_commands.command("fetch")
def model_fetch(name: str, as_json: Json = False) -> None:
    """Fetch weights, or check those that are here."""
    from assistant.llm.models import fetch

    path = fetch(name, read_settings().cache_folder, Bars())
    _answer({"name": name, "path": str(path)}, as_json, f"{name} is at {path}")


@contextmanager
def _session(settings: Settings, customer: str | None) -> Iterator[Any]:
    from assistant.app import build
    from assistant.shop.catalogue import Catalogue
    from assistant.terminal import guest

    if customer:
        # A slip of the pen must not cost the time that a model takes to load.
        Catalogue(settings.shop_database).check_customer(customer)
    app = build(settings, Bars())
    try:
        yield app.session, app.session.customer(customer) if customer else guest()
    finally:
        app.session.close()


def _answer(document: Any, as_json: bool, text: str) -> None:
    print(json.dumps(document, ensure_ascii=False, default=_plain) if as_json else text)


def _plain(value: object) -> float | str:
    return float(value) if isinstance(value, Decimal) else str(value)


def _listed(items: list[dict[str, Any]]) -> str:
    rows = (
        f"{each['product_id']:>10} {each['price']:>8}  {each['title']}  {each['reason']}".rstrip()
        for each in items
    )
    return "\n".join(rows) or "Nothing was found."
